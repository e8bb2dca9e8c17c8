package dev.quire.tokenizer.model;

import dev.quire.tokenizer.text.ByteTable;
import dev.quire.tokenizer.text.IntList;
import dev.quire.tokenizer.text.Utf8Buffer;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Byte-pair encoding (Sennrich et al., 2016) over bytes or over characters: a piece starts as its
 * single symbols, then neighbours merge by rank. Most pieces of a text are tokens themselves, so a
 * piece is first looked up whole.
 */
public final class BpeModel implements SubwordModel {

  /**
   * @param symbols what a piece falls into before the merges: bytes or characters
   * @param byteTokens the token of each of the 256 bytes, for characters that the vocabulary lacks
   *     (byte fallback); null without fallback
   * @param unknown id for what no token covers; -1 to leave it out
   * @param fuseUnknown whether neighbouring unknown symbols become one id
   * @param wholePiecesFirst whether a piece that is a token is that token whatever the merges say
   */
  public record Rules(
      Symbols symbols,
      int @Nullable [] byteTokens,
      int unknown,
      boolean fuseUnknown,
      boolean wholePiecesFirst,
      @Nullable Affixes affixes) {}

  /** What a piece falls into at first. */
  public enum Symbols {
    BYTES,
    CHARACTERS
  }

  /**
   * Marks of place inside a word that some vocabularies put into the spelling of their tokens.
   *
   * @param continuing put before each character that does not start the word; may be empty
   * @param endOfWord put after the last character; may be empty
   */
  public record Affixes(byte[] continuing, byte[] endOfWord) {}

  private final ByteTable vocabulary;
  private final PairRanks ranks;
  private final Rules rules;
  private final int[] byteIds;

  /** For each token: 1 if encoding its text gives just the token, 2 if not, 0 if not tried yet. */
  private final byte[] selfEncoding;

  private final WordCache cache = new WordCache();

  private BpeModel(ByteTable vocabulary, int size, PairRanks ranks, Rules rules) {
    this.vocabulary = vocabulary;
    this.ranks = ranks;
    this.rules = rules;
    selfEncoding = new byte[size];
    byteIds = new int[256];
    for (int b = 0; b < 256; b++) {
      byteIds[b] = vocabulary.find(new byte[] {(byte) b}, 0, 1);
    }
  }

  /**
   * A vocabulary with a list of merges.
   *
   * @param keys the bytes of each token; null where text never becomes that token
   */
  public static BpeModel ofMerges(byte[] @Nullable [] keys, PairTable merges, Rules rules) {
    return new BpeModel(new ByteTable(keys), keys.length, merges, rules);
  }

  /** A SentencePiece vocabulary: tokens with scores. */
  public static BpeModel ofScores(byte[] @Nullable [] keys, float[] scores, Rules rules) {
    ByteTable vocabulary = new ByteTable(keys);
    return new BpeModel(vocabulary, keys.length, new ScoreRanks(vocabulary, scores), rules);
  }

  @Override
  public void encode(String text, int start, int end, Workspace work) {
    Utf8Buffer piece = work.piece();
    piece.set(text, start, end);
    byte[] bytes = piece.bytes();
    int length = piece.length();
    int whole = vocabulary.find(bytes, 0, length, piece.hash());
    if (whole >= 0 && isWhole(whole, bytes, length, work)) {
      work.ids().add(whole);
      return;
    }
    if (!work.useCache()) {
      mergeInto(work, bytes, length);
      return;
    }
    int[] known = cache.find(bytes, length, piece.hash());
    if (known != null) {
      work.ids().addAll(known);
      return;
    }
    int before = work.ids().size();
    mergeInto(work, bytes, length);
    cache.put(bytes, length, piece.hash(), work.ids().tail(before));
  }

  private boolean isWhole(int id, byte[] bytes, int length, Workspace work) {
    if (rules.wholePiecesFirst) {
      return true;
    }
    if (rules.affixes != null) {
      return false;
    }
    if (selfEncoding[id] == 0) {
      Merger merger = merge(work, bytes, length);
      selfEncoding[id] = (byte) (merger.count() == 1 && merger.id(0) == id ? 1 : 2);
    }
    return selfEncoding[id] == 1;
  }

  private Merger merge(Workspace work, byte[] bytes, int length) {
    Merger merger = work.merger();
    merger.clear();
    if (rules.symbols == Symbols.BYTES) {
      for (int i = 0; i < length; i++) {
        merger.add(byteIds[bytes[i] & 0xFF], i);
      }
    } else {
      addCharacters(merger, bytes, length);
    }
    merger.merge(ranks, bytes, length);
    return merger;
  }

  private void addCharacters(Merger merger, byte[] bytes, int length) {
    for (int i = 0; i < length; ) {
      int end = i + Utf8Buffer.sequenceLength(bytes[i]);
      int id = characterId(bytes, i, end, length);
      int[] fallback = rules.byteTokens;
      // With merges by id the bytes of an unknown character may merge; by score they cannot, since
      // the spelling of a byte token is not its text.
      if (id < 0
          && fallback != null
          && ranks instanceof PairTable
          && hasAll(fallback, bytes, i, end)) {
        for (int k = i; k < end; k++) {
          merger.add(fallback[bytes[k] & 0xFF], k);
        }
      } else {
        merger.add(id, i);
      }
      i = end;
    }
  }

  private int characterId(byte[] bytes, int from, int to, int length) {
    Affixes affixes = rules.affixes;
    if (affixes == null) {
      return vocabulary.find(bytes, from, to);
    }
    byte[] before = from > 0 ? affixes.continuing : new byte[0];
    byte[] after = to == length ? affixes.endOfWord : new byte[0];
    byte[] key = Arrays.copyOf(before, before.length + to - from + after.length);
    System.arraycopy(bytes, from, key, before.length, to - from);
    System.arraycopy(after, 0, key, before.length + to - from, after.length);
    return vocabulary.find(key, 0, key.length);
  }

  private static boolean hasAll(int[] byteTokens, byte[] bytes, int from, int to) {
    for (int k = from; k < to; k++) {
      if (byteTokens[bytes[k] & 0xFF] < 0) {
        return false;
      }
    }
    return true;
  }

  private void mergeInto(Workspace work, byte[] bytes, int length) {
    Merger merger = merge(work, bytes, length);
    IntList out = work.ids();
    boolean unknownBefore = false;
    for (int i = 0; i < merger.count(); i++) {
      int id = merger.id(i);
      if (id >= 0) {
        out.add(id);
        unknownBefore = false;
        continue;
      }
      int from = merger.start(i);
      int to = merger.start(i + 1);
      int[] fallback = rules.byteTokens;
      if (fallback != null && hasAll(fallback, bytes, from, to)) {
        for (int k = from; k < to; k++) {
          out.add(fallback[bytes[k] & 0xFF]);
        }
        unknownBefore = false;
      } else if (rules.unknown >= 0 && !(rules.fuseUnknown && unknownBefore)) {
        out.add(rules.unknown);
        unknownBefore = true;
      }
    }
  }
}
