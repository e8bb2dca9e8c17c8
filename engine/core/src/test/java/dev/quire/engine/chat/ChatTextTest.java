package dev.quire.engine.chat;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A chat's text taken apart, in one piece and in pieces of every size. */
class ChatTextTest {
  private record Parts(String reasoning, String content, List<ToolCall> calls) {}

  private static Parts take(ChatText text, String whole, int size) {
    StringBuilder reasoning = new StringBuilder();
    StringBuilder content = new StringBuilder();
    for (int i = 0; i < whole.length(); i += size) {
      ChatText.Piece piece = text.accept(whole.substring(i, Math.min(whole.length(), i + size)));
      reasoning.append(piece.reasoning());
      content.append(piece.content());
    }
    List<ToolCall> calls = new ArrayList<>();
    ChatText.Piece rest = text.finish(calls);
    return new Parts(reasoning + rest.reasoning(), content + rest.content(), List.copyOf(calls));
  }

  private static Parts take(boolean thinking, boolean withTools, boolean forced, String whole) {
    Parts first = take(new ChatText(thinking, withTools, forced), whole, whole.length());
    for (int size = 1; size < whole.length(); size++) {
      assertThat(take(new ChatText(thinking, withTools, forced), whole, size))
          .as("in pieces of %d", size)
          .isEqualTo(first);
    }
    return first;
  }

  @Test
  void thoughtsComeApartFromWords() {
    assertThat(take(false, false, false, "<think>\nHm, 1 < 2.</think>\n\nYes."))
        .isEqualTo(new Parts("Hm, 1 < 2.", "Yes.", List.of()));
    // The template has begun the thoughts already.
    assertThat(take(true, false, false, "Hm.</think>Yes."))
        .isEqualTo(new Parts("Hm.", "Yes.", List.of()));
    assertThat(take(true, false, false, "Hm, cut of"))
        .isEqualTo(new Parts("Hm, cut of", "", List.of()));
    assertThat(take(false, false, false, "<thin ice>"))
        .isEqualTo(new Parts("", "<thin ice>", List.of()));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>",
        "<tool_call>{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}",
        "[TOOL_CALLS][{\"name\": \"f\", \"arguments\": {\"a\": 1}}]",
        "<|python_tag|>{\"name\": \"f\", \"parameters\": {\"a\": 1}}",
        "<function=f>{\"a\": 1}</function>",
        "{\"name\": \"f\", \"parameters\": {\"a\": 1}}",
        "[{\"name\": \"f\", \"arguments\": {\"a\": 1}}]"
      })
  void callsAreFoundInTheFormatsModelsWrite(String text) {
    Parts parts = take(false, true, false, text);
    assertThat(parts.calls()).containsExactly(new ToolCall("f", "{\"a\":1}"));
    assertThat(parts.content()).isEmpty();
  }

  /** Takes a text with calls in pieces of a size; the calls as a stream's reader has them. */
  private static Parts stream(ChatText text, String whole, int size) {
    StringBuilder content = new StringBuilder();
    List<String> names = new ArrayList<>();
    List<StringBuilder> arguments = new ArrayList<>();
    for (int i = 0; i < whole.length(); i += size) {
      content.append(text.accept(whole.substring(i, Math.min(whole.length(), i + size))).content());
      for (ToolCallPiece piece : text.callPieces()) {
        if (piece.name() != null) {
          assertThat(piece.index()).isEqualTo(names.size());
          names.add(piece.name());
          arguments.add(new StringBuilder());
        }
        arguments.get(piece.index()).append(piece.arguments());
      }
    }
    List<ToolCall> rest = new ArrayList<>();
    content.append(text.finish(rest).content());
    List<ToolCall> calls = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      calls.add(new ToolCall(names.get(i), arguments.get(i).toString()));
    }
    calls.addAll(rest);
    return new Parts("", content.toString(), calls);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "<tool_call>\n"
            + "{\"name\": \"f\", \"arguments\": {\"a\": [1, {\"b\": \"} \\\\\\\" {\"}]}}\n"
            + "</tool_call>",
        "I look.<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>\n"
            + "<tool_call>{\"name\":\"g\",\"arguments\":{\"a\":1},\"id\":2}</tool_call>",
        "<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>"
            + "<tool_call>{\"arguments\":{\"late\":1},\"name\":\"g\"}</tool_call>",
        "<tool_call>{\"name\":\"f\",\"arguments\":\"{\\\"a\\\":1}\"}</tool_call>",
        "<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call> <tool_call>{\"na",
        "<|python_tag|>{\"name\": \"f\", \"parameters\": {\"a\": 1}}",
        "{\"name\": \"f\", \"parameters\": {\"a\": 1}}",
        "[{\"name\": \"f\", \"arguments\": {\"a\": 1}}]",
        "<function=f>{\"a\": 1}</function>",
        "{\"name\": \"merry\", \"mood\": {}}",
        "<tool_call>nothing"
      })
  void aStreamsCallsAreThoseOfTheWhole(String text) {
    Parts whole = take(new ChatText(false, true, false), text, text.length());
    for (int size = 1; size <= text.length(); size++) {
      assertThat(stream(new ChatText(false, true, false), text, size))
          .as("in pieces of %d", size)
          .isEqualTo(whole);
    }
  }

  @Test
  void aCallsNameIsToldBeforeItsArgumentsAreWritten() {
    for (String head :
        List.of(
            "<tool_call>{\"name\": \"f\", \"arguments\": {\"city\": \"Ro",
            "{\"name\":\"f\",\"parameters\":{\"city\":\"Ro")) {
      ChatText text = new ChatText(false, true, false);
      text.accept(head);
      assertThat(text.callPieces())
          .containsExactly(
              new ToolCallPiece(0, "f", ""), new ToolCallPiece(0, null, "{\"city\":\"Ro"));
      text.accept("me, too");
      assertThat(text.callPieces()).containsExactly(new ToolCallPiece(0, null, "me, too"));
      assertThat(text.callOpen()).isTrue();
      // Cut here: what was told stays a call.
      List<ToolCall> rest = new ArrayList<>();
      assertThat(text.finish(rest).isEmpty()).isTrue();
      assertThat(rest).isEmpty();
      assertThat(text.callsBegun()).isEqualTo(1);
    }
  }

  @Test
  void wordsAfterABareCallOfAStreamAreKept() {
    ChatText text = new ChatText(false, true, false);
    text.accept("{\"name\":\"f\",\"arguments\":{}} That was it.");
    assertThat(text.callPieces()).hasSize(2);
    assertThat(text.finish(new ArrayList<>()).content()).isEqualTo(" That was it.");
  }

  @Test
  void severalCallsAfterThoughtsAndWords() {
    Parts parts =
        take(
            false,
            true,
            false,
            "<think>Both.</think>I look.<tool_call>{\"name\":\"f\",\"arguments\":{}}</tool_call>"
                + "\n<tool_call>{\"name\":\"g\",\"arguments\":{}}</tool_call>");
    assertThat(parts.reasoning()).isEqualTo("Both.");
    assertThat(parts.content()).isEqualTo("I look.");
    assertThat(parts.calls()).extracting(ToolCall::name).containsExactly("f", "g");
  }

  @Test
  void whatOnlyLooksLikeACallIsText() {
    assertThat(take(false, true, false, "{\"mood\": \"merry\"}").content())
        .isEqualTo("{\"mood\": \"merry\"}");
    assertThat(take(false, true, false, "<tool_call>nothing").content())
        .isEqualTo("<tool_call>nothing");
    // Without tools no mark has a meaning.
    assertThat(take(false, false, false, "<tool_call>{\"name\":\"f\",\"arguments\":{}}").calls())
        .isEmpty();
  }

  @Test
  void aForcedCallIsNothingButACall() {
    Parts parts = take(false, true, true, "{\"name\":\"f\",\"arguments\":{\"a\":1}}");
    assertThat(parts.calls()).containsExactly(new ToolCall("f", "{\"a\":1}"));
    Parts thinking = take(true, true, true, "Hm.</think>{\"name\":\"f\",\"arguments\":{}}");
    assertThat(thinking.reasoning()).isEqualTo("Hm.");
    assertThat(thinking.calls()).containsExactly(new ToolCall("f", "{}"));
  }
}
