package dev.quire.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.stream.StreamSupport;
import org.assertj.core.api.SoftAssertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Tokenizers from tokenizer.json against what the Python package tokenizers 0.23 gives. The small
 * vocabularies among the resources were trained with it on part of Shakespeare's works, each with
 * the parts of a well-known family.
 */
class HuggingFaceTokenizerTest {
  @TempDir Path folder;

  private static Path resource(String name) {
    URL url = HuggingFaceTokenizerTest.class.getResource("huggingface/" + name);
    try {
      return Path.of(Objects.requireNonNull(url, name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Path folderOf(String name) {
    return name.equals("golden")
        ? Path.of(System.getProperty("quire.root", ".."))
            .resolve("tests/src/test/resources/golden/gguf")
        : resource(name);
  }

  private static int[] ids(JsonNode array) {
    return StreamSupport.stream(array.spliterator(), false).mapToInt(JsonNode::intValue).toArray();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "golden",
        "bert0",
        "bert1",
        "clip",
        "digits",
        "falcon",
        "gemma",
        "llama2",
        "metaspace",
        "mistral",
        "qwen",
        "roberta",
        "unigram",
        "words"
      })
  void agreesWithTheReference(String name) throws IOException {
    Tokenizer tokenizer = Tokenizer.fromHuggingFace(folderOf(name));
    JsonNode cases =
        JsonMapper.builder()
            .build()
            .readTree(Files.readAllBytes(resource(name + "/expected.json")));
    assertThat(cases).hasSizeGreaterThan(20);
    SoftAssertions.assertSoftly(
        softly -> {
          for (JsonNode one : cases) {
            String text = one.get("text").stringValue();
            int[] ids = ids(one.get("ids"));
            int[] framed = ids(one.get("framed"));
            softly.assertThat(tokenizer.encode(text, false, true)).as(text).containsExactly(ids);
            softly.assertThat(tokenizer.encode(text, true, true)).as(text).containsExactly(framed);
            softly
                .assertThat(tokenizer.decode(ids, false))
                .isEqualTo(one.get("decoded").stringValue());
            softly
                .assertThat(tokenizer.decode(framed, true))
                .isEqualTo(one.get("plain").stringValue());
          }
        });
  }

  /**
   * Byte tokens that make no UTF-8, pieces of characters, added tokens that stand in normalised
   * text.
   */
  @Test
  void decodesAnyIdsLikeTheReference() throws IOException {
    Tokenizer tokenizer = Tokenizer.fromHuggingFace(folderOf("runs"));
    JsonNode cases =
        JsonMapper.builder().build().readTree(Files.readAllBytes(resource("runs/decoded.json")));
    assertThat(cases).hasSizeGreaterThan(60);
    SoftAssertions.assertSoftly(
        softly -> {
          for (JsonNode one : cases) {
            int[] ids = ids(one.get("ids"));
            softly
                .assertThat(tokenizer.decode(ids, false))
                .as(one.toString())
                .isEqualTo(one.get("decoded").stringValue());
            softly
                .assertThat(tokenizer.decode(ids, true))
                .as(one.toString())
                .isEqualTo(one.get("plain").stringValue());
          }
        });
  }

  /** A stream takes nothing back: a character is out before a byte that spoils its run comes. */
  @Test
  void streamsEachCharacterOfARunAsItIsComplete() {
    Tokenizer tokenizer = Tokenizer.fromHuggingFace(folderOf("runs"));
    StreamingDecoder stream = tokenizer.streamingDecoder(false);
    StringBuilder text = new StringBuilder();
    int[] bytes = {0xE6, 0x97, 0xA5, 0xFF};
    int[] ids = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      ids[i] = tokenizer.idOf("<0x%02X>".formatted(bytes[i])).orElseThrow();
      text.append(stream.accept(ids[i])).append('|');
    }
    assertThat(text.append(stream.finish()).toString()).isEqualTo("||日|\uFFFD|");
    assertThat(tokenizer.decode(ids, false)).isEqualTo("\uFFFD".repeat(4));
  }

  @Test
  void specialTokensAreTextUnlessAskedFor() {
    Tokenizer tokenizer = Tokenizer.fromHuggingFace(folderOf("qwen"));
    int end = tokenizer.idOf("<|im_end|>").orElseThrow();
    assertThat(tokenizer.encode("a<|im_end|>", false, true)).contains(end);
    int[] plain = tokenizer.encode("a<|im_end|>", false, false);
    assertThat(plain).doesNotContain(end);
    assertThat(tokenizer.decode(plain, true)).isEqualTo("a<|im_end|>");
    assertThat(tokenizer.isSpecial(end)).isTrue();
  }

  @Test
  void rolesComeFromTheFilesBesideTheVocabulary() throws IOException {
    Files.copy(resource("qwen/tokenizer.json"), folder.resolve("tokenizer.json"));
    Tokenizer bare = Tokenizer.fromHuggingFace(folder);
    assertThat(bare.eosId()).isEmpty();
    assertThat(bare.endOfTurnIds())
        .containsExactly(
            bare.idOf("<|endoftext|>").orElseThrow(), bare.idOf("<|im_end|>").orElseThrow());

    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        """
        {"bos_token": null, "eos_token": {"content": "<|im_end|>"}, "pad_token": "<|endoftext|>",
         "added_tokens_decoder": {"604": {"content": "<|late|>", "special": true}}}
        """);
    Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": [602, 7]}");
    Tokenizer tokenizer = Tokenizer.fromHuggingFace(folder);
    assertThat(tokenizer.bosId()).isEmpty();
    assertThat(tokenizer.eosId()).isEqualTo(tokenizer.idOf("<|im_end|>"));
    assertThat(tokenizer.padId()).isEqualTo(tokenizer.idOf("<|endoftext|>"));
    assertThat(tokenizer.endOfTurnIds()).contains(7, tokenizer.eosId().orElseThrow());
    assertThat(tokenizer.encode("<|late|>", false, true)).containsExactly(604);
    assertThat(tokenizer.vocabularySize()).isEqualTo(605);
  }

  @Test
  void aMissingFileIsNamed() {
    assertThatThrownBy(() -> Tokenizer.fromHuggingFace(folder))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContaining("tokenizer.json is missing");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '~',
      quoteCharacter = '`',
      value = {
        "[]~no JSON object",
        "{~no sound JSON",
        "{}~model is missing",
        "{'model':{'type':'Neural','vocab':{'a':0}}}~model.type",
        "{'model':{'type':'BPE','vocab':{},'merges':[]}}~no tokens",
        "{'model':{'type':'BPE','vocab':{'a':-1},'merges':[]}}~model.vocab.a",
        "{'model':{'type':'BPE','vocab':{'a':2000000000},'merges':[]}}~2000000000",
        "{'model':{'type':'BPE','vocab':{'a':1e99},'merges':[]}}~model.vocab.a",
        "{'model':{'type':'BPE','vocab':{'a':0,'b':0},'merges':[]}}~id 0",
        "{'model':{'type':'BPE','vocab':{'a':0,'b':1},'merges':['a b']}}~model.merges[0] needs"
            + " “ab”",
        "{'model':{'type':'BPE','vocab':{'a':0},'merges':[['a']]}}~model.merges[0]",
        "{'model':{'type':'BPE','vocab':{'a':0},'merges':7}}~model.merges must be an array",
        "{'model':{'type':'Unigram','unk_id':9,'vocab':[['a',-1.0]]}}~model.unk_id",
        "{'model':{'type':'Unigram','vocab':[['a']]}}~model.vocab[0]",
        "{'model':{'type':'Unigram','vocab':[['a','b']]}}~model.vocab[0][1]",
        "{'model':{'type':'WordPiece','unk_token':'?','vocab':{'a':0}}}~model.unk_token",
        "{'normalizer':{'type':'X'},'model':{'type':'BPE','vocab':{'a':0},'merges':[]}}~normalizer.type",
        "{'pre_tokenizer':{'type':'X'},'model':{'type':'BPE','vocab':{'a':0},'merges':[]}}~pre_tokenizer.type",
        "{'pre_tokenizer':{'type':'Split','pattern':{'Regex':'('},'behavior':'Isolated'},'model':{'type':'BPE','vocab':{'a':0},'merges':[]}}~pre_tokenizer.pattern",
        "{'decoder':{'type':'Sequence','decoders':[{'type':'Fuse'},{'type':'ByteFallback'}]},'model':{'type':'BPE','vocab':{'a':0},'merges':[]}}~decoders[1]",
        "{'decoder':{'type':'CTC'},'model':{'type':'BPE','vocab':{'a':0},'merges':[]}}~decoder.type",
        "{'post_processor':{'type':'BertProcessing','cls':['x',9],'sep':['x',0]},'model':{'type':'BPE','vocab':{'a':0},'merges':[]}}~post_processor"
            + " adds token 9",
        "{'added_tokens':[{'id':-3,'content':'x'}],'model':{'type':'BPE','vocab':{'a':0},'merges':[]}}~added_tokens[0]"
      })
  void errorsNameTheField(String json, String words) throws IOException {
    Files.writeString(folder.resolve("tokenizer.json"), json.replace('\'', '"'));
    assertThatThrownBy(() -> Tokenizer.fromHuggingFace(folder))
        .isInstanceOf(TokenizerException.class)
        .hasMessageContainingAll("tokenizer.json", words);
  }

  @Test
  void everyTokenOfAByteLevelVocabularyRoundTrips() {
    for (String name : List.of("golden", "qwen", "roberta", "digits")) {
      Tokenizer tokenizer = Tokenizer.fromHuggingFace(folderOf(name));
      for (int id = 0; id < tokenizer.vocabularySize(); id++) {
        assertThat(tokenizer.idOf(tokenizer.token(id))).hasValue(id);
        assertThat(tokenizer.decode(new int[] {id}, false))
            .isEqualTo(
                new String(tokenizer.tokenBytes(id), java.nio.charset.StandardCharsets.UTF_8));
      }
    }
  }
}
