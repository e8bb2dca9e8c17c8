package dev.quire.engine.chat;

import dev.quire.tokenizer.StreamingDecoder;
import dev.quire.tokenizer.Tokenizer;
import java.util.Arrays;
import java.util.List;

/**
 * Takes a chat's text apart as it comes: what the model thinks, what it says, and calls of tools.
 * Text that may be the beginning of a mark is held back until it is certain.
 */
public final class ChatText {
  private static final String OPEN = "<think>";
  private static final String CLOSE = "</think>";

  /** What became certain. */
  public record Piece(String reasoning, String content) {
    /** Whether there is nothing to give out yet. */
    public boolean isEmpty() {
      return reasoning.isEmpty() && content.isEmpty();
    }
  }

  private enum State {
    START,
    THINKING,
    SPEAKING,
    CALLING
  }

  private final boolean withTools;
  private State state;
  private final StringBuilder pending = new StringBuilder();
  private final ToolCallStream callStream = new ToolCallStream();
  private boolean spoken;
  // White space after a mark belongs to nobody, also where it comes later than the mark.
  private boolean afterMark;

  /**
   * @param thinking whether the prompt has begun the model's thoughts already
   * @param withTools whether calls of tools are looked for
   * @param forced whether the whole text is a call
   */
  ChatText(boolean thinking, boolean withTools, boolean forced) {
    this.withTools = withTools;
    this.state = thinking ? State.THINKING : forced ? State.CALLING : State.START;
  }

  /** Takes the next text. */
  public Piece accept(String text) {
    pending.append(text);
    StringBuilder reasoning = new StringBuilder();
    StringBuilder content = new StringBuilder();
    boolean moved = true;
    while (moved) {
      moved =
          switch (state) {
            case START -> start();
            case THINKING -> think(reasoning);
            case SPEAKING -> speak(content);
            case CALLING -> false;
          };
    }
    return new Piece(reasoning.toString(), content.toString());
  }

  /**
   * The parts of calls that became certain with the text taken so far, for streams: asked after
   * each {@link #accept}. A call that was begun here stays one, also where the text after it makes
   * no sense. Where a call's format does not tell its name first, {@link #finish} has it whole.
   */
  public List<ToolCallPiece> callPieces() {
    return state == State.CALLING ? callStream.scan(pending) : List.of();
  }

  /** Calls of which {@link #callPieces} gave parts. */
  public int callsBegun() {
    return callStream.count();
  }

  /** Whether the last of them has no end yet. */
  public boolean callOpen() {
    return callStream.open();
  }

  /**
   * What is left when the text has ended; calls are not part of it.
   *
   * @param calls takes the calls that the text made, but for those begun in pieces
   */
  public Piece finish(List<ToolCall> calls) {
    boolean begun = callStream.count() > 0;
    String rest = begun ? callStream.rest(pending) : pending.toString();
    pending.setLength(0);
    if (begun && rest.isBlank()) {
      return new Piece("", "");
    }
    if (state == State.CALLING) {
      calls.addAll(ToolCallParser.parse(rest));
      return new Piece("", calls.isEmpty() && !callStream.tagged() ? rest : "");
    }
    return state == State.THINKING ? new Piece(rest, "") : new Piece("", rest);
  }

  /** Whether an answer's text begins with the mark of thoughts. */
  static boolean beginsToThink(String text) {
    return text.stripLeading().startsWith(OPEN);
  }

  /**
   * How many of an answer's tokens begin inside its thoughts.
   *
   * @param thinking whether the thoughts begin with the first token, not after their mark
   */
  static int thoughts(
      Tokenizer tokenizer, List<Integer> tokens, boolean skipSpecial, boolean thinking) {
    StreamingDecoder decoder = tokenizer.streamingDecoder(skipSpecial);
    StringBuilder text = new StringBuilder();
    int[] begins = new int[tokens.size()];
    for (int i = 0; i < begins.length; i++) {
      begins[i] = text.length();
      text.append(decoder.accept(tokens.get(i)));
    }
    text.append(decoder.finish());
    int mark = text.indexOf(OPEN);
    int from = thinking ? 0 : mark < 0 ? text.length() : mark + OPEN.length();
    int close = text.indexOf(CLOSE, from);
    int to = close < 0 ? text.length() : close;
    return (int) Arrays.stream(begins).filter(at -> at >= from && at < to).count();
  }

  private boolean start() {
    String text = pending.toString().stripLeading();
    if (text.startsWith(OPEN)) {
      pending.setLength(0);
      pending.append(text.substring(OPEN.length()));
      afterMark = true;
      state = State.THINKING;
      return true;
    }
    if (text.isEmpty() || OPEN.startsWith(text)) {
      return false;
    }
    state = State.SPEAKING;
    return true;
  }

  private boolean think(StringBuilder reasoning) {
    if (waitsForText()) {
      return false;
    }
    int close = pending.indexOf(CLOSE);
    if (close >= 0) {
      reasoning.append(pending, 0, close);
      pending.delete(0, close + CLOSE.length());
      afterMark = true;
      state = State.SPEAKING;
      return true;
    }
    release(reasoning, List.of(CLOSE));
    return false;
  }

  /** Drops white space after a mark; whether there is nothing else yet. */
  private boolean waitsForText() {
    if (afterMark) {
      String rest = pending.toString().stripLeading();
      pending.setLength(0);
      pending.append(rest);
      afterMark = rest.isEmpty();
    }
    return afterMark;
  }

  private boolean speak(StringBuilder content) {
    if (waitsForText()) {
      return false;
    }
    if (withTools) {
      if (!spoken && begins(pending.toString().stripLeading())) {
        state = State.CALLING;
        return true;
      }
      for (String marker : ToolCallParser.MARKERS) {
        int at = pending.indexOf(marker);
        if (at >= 0) {
          content.append(pending, 0, at);
          pending.delete(0, at);
          state = State.CALLING;
          return true;
        }
      }
      release(content, ToolCallParser.MARKERS);
    } else {
      content.append(pending);
      pending.setLength(0);
    }
    spoken |= !content.toString().isBlank();
    return false;
  }

  /** An answer that is JSON from its first character on may be a call. */
  private static boolean begins(String text) {
    return text.startsWith("{") || text.startsWith("[{");
  }

  /** Gives out all but a tail that may be the beginning of a mark. */
  private void release(StringBuilder out, List<String> marks) {
    int keep = 0;
    for (String mark : marks) {
      for (int length = Math.min(mark.length() - 1, pending.length()); length > keep; length--) {
        if (mark.startsWith(pending.substring(pending.length() - length))) {
          keep = length;
        }
      }
    }
    int give = pending.length() - keep;
    out.append(pending, 0, give);
    pending.delete(0, give);
  }
}
