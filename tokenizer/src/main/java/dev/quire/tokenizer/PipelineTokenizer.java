package dev.quire.tokenizer;

import dev.quire.tokenizer.model.SubwordModel;
import dev.quire.tokenizer.model.Workspace;
import dev.quire.tokenizer.normalize.Normalizer;
import dev.quire.tokenizer.split.Splitter;
import java.util.OptionalInt;

/** The one implementation: a vocabulary and the stages that text passes through. */
public final class PipelineTokenizer implements Tokenizer {

  /**
   * The stages of encoding.
   *
   * @param rawAdded added tokens that are matched in the original text
   * @param normalizedAdded added tokens that are matched in normalised text
   * @param prefix ids put before the text when special tokens are asked for
   * @param suffix ids put after it
   */
  public record Stages(
      AddedTokens rawAdded,
      Normalizer normalizer,
      AddedTokens normalizedAdded,
      Splitter splitter,
      SubwordModel model,
      int[] prefix,
      int[] suffix) {}

  private final Vocabulary vocabulary;
  private final Stages stages;
  private final boolean useCache;

  public PipelineTokenizer(Vocabulary vocabulary, Stages stages) {
    this(vocabulary, stages, true);
  }

  private PipelineTokenizer(Vocabulary vocabulary, Stages stages, boolean useCache) {
    this.vocabulary = vocabulary;
    this.stages = stages;
    this.useCache = useCache;
  }

  /** The same tokenizer with its word cache switched off, for measurements. */
  public PipelineTokenizer withoutCache() {
    return new PipelineTokenizer(vocabulary, stages, false);
  }

  @Override
  public int[] encode(String text, boolean addSpecial, boolean parseSpecial) {
    Workspace work = new Workspace(useCache);
    if (addSpecial) {
      work.ids().addAll(stages.prefix);
    }
    stages.rawAdded.split(
        text,
        0,
        text.length(),
        parseSpecial,
        new AddedTokens.Sink() {
          @Override
          public void text(int start, int end) {
            encodeFragment(text, start, end, parseSpecial, work);
          }

          @Override
          public void token(int id) {
            work.ids().add(id);
          }
        });
    if (addSpecial) {
      work.ids().addAll(stages.suffix);
    }
    return work.ids().toArray();
  }

  private void encodeFragment(
      String text, int start, int end, boolean parseSpecial, Workspace work) {
    boolean atStart = start == 0;
    if (stages.normalizer == Normalizer.NONE && stages.normalizedAdded.isEmpty()) {
      encodePlain(text, start, end, atStart, work);
      return;
    }
    String normalized = stages.normalizer.normalize(text.substring(start, end));
    stages.normalizedAdded.split(
        normalized,
        0,
        normalized.length(),
        parseSpecial,
        new AddedTokens.Sink() {
          @Override
          public void text(int from, int to) {
            encodePlain(normalized, from, to, atStart && from == 0, work);
          }

          @Override
          public void token(int id) {
            work.ids().add(id);
          }
        });
  }

  private void encodePlain(String text, int start, int end, boolean atStart, Workspace work) {
    SubwordModel model = stages.model;
    stages.splitter.split(
        text, start, end, atStart, (piece, from, to, _) -> model.encode(piece, from, to, work));
  }

  @Override
  public String decode(int[] ids, boolean skipSpecial) {
    StreamingDecoder decoder = new StreamingDecoder(vocabulary, skipSpecial, true);
    StringBuilder text = new StringBuilder(ids.length * 4);
    for (int id : ids) {
      text.append(decoder.accept(id));
    }
    return text.append(decoder.finish()).toString();
  }

  @Override
  public StreamingDecoder streamingDecoder(boolean skipSpecial) {
    return new StreamingDecoder(vocabulary, skipSpecial, false);
  }

  @Override
  public byte[] tokenBytes(int id) {
    return vocabulary.bytes(id).clone();
  }

  @Override
  public boolean isSpecial(int id) {
    return vocabulary.isSpecial(id);
  }

  @Override
  public int vocabularySize() {
    return vocabulary.size();
  }

  @Override
  public OptionalInt bosId() {
    return optional(vocabulary.roles().bos());
  }

  @Override
  public OptionalInt eosId() {
    return optional(vocabulary.roles().eos());
  }

  @Override
  public OptionalInt padId() {
    return optional(vocabulary.roles().pad());
  }

  private static OptionalInt optional(int id) {
    return id < 0 ? OptionalInt.empty() : OptionalInt.of(id);
  }

  @Override
  public int[] endOfTurnIds() {
    return vocabulary.roles().endOfTurn().clone();
  }

  @Override
  public OptionalInt idOf(String token) {
    return optional(vocabulary.find(token));
  }

  @Override
  public String token(int id) {
    return vocabulary.token(id);
  }
}
