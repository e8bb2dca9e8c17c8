package dev.quire.tokenizer;

import dev.quire.tokenizer.text.Utf8Strings;
import java.util.BitSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * The tokens by id: spelling, the bytes that each adds to a text, which of them are special, and
 * what decoding does at the edges of a text.
 */
public final class Vocabulary {

  /** The ids with a role; -1 where the vocabulary has none. */
  public record Roles(int bos, int eos, int pad, int[] endOfTurn) {}

  /**
   * @param leadingSpaces at most so many spaces are dropped from the start of a decoded text
   * @param dropTrailingSpace whether one space at the end of a decoded text is dropped
   */
  public record Edges(int leadingSpaces, boolean dropTrailingSpace) {
    /** Nothing is dropped. */
    public static final Edges NONE = new Edges(0, false);
  }

  private final List<String> tokens;
  private final byte[][] bytes;
  private final byte[][] firstBytes;
  private final BitSet byteTokens;
  private final boolean[] special;
  private final Roles roles;
  private final Edges edges;
  // Threads that ask at once make the same map.
  private volatile @Nullable Map<String, Integer> ids;

  public Vocabulary(
      List<String> tokens, byte[][] bytes, boolean[] special, Roles roles, Edges edges) {
    this(tokens, bytes, bytes, new BitSet(), special, roles, edges);
  }

  /**
   * @param firstBytes what each token adds when it is the first of a text
   * @param byteTokens the tokens that each stand for one byte and of which a run is one text or
   *     none
   */
  public Vocabulary(
      List<String> tokens,
      byte[][] bytes,
      byte[][] firstBytes,
      BitSet byteTokens,
      boolean[] special,
      Roles roles,
      Edges edges) {
    this.firstBytes = firstBytes;
    this.tokens = tokens instanceof Utf8Strings ? tokens : List.copyOf(tokens);
    this.bytes = bytes;
    this.byteTokens = byteTokens;
    this.special = special;
    this.roles = roles;
    this.edges = edges;
  }

  /** Made when first asked for: it takes longer than all else of a large vocabulary. */
  private Map<String, Integer> ids() {
    Map<String, Integer> known = ids;
    if (known == null) {
      known = HashMap.newHashMap(tokens.size());
      for (int id = 0; id < tokens.size(); id++) {
        String token = tokens.get(id);
        // Ids that no token has are spelled “”.
        if (!token.isEmpty()) {
          known.putIfAbsent(token, id);
        }
      }
      ids = known;
    }
    return known;
  }

  public int size() {
    return tokens.size();
  }

  public String token(int id) {
    return tokens.get(check(id));
  }

  /** The token's bytes; not a copy. */
  byte[] bytes(int id) {
    return bytes[check(id)];
  }

  /** The token's bytes at the start of a text; not a copy. */
  byte[] firstBytes(int id) {
    return firstBytes[check(id)];
  }

  /** Whether a run of such tokens decodes as a whole. */
  boolean isByte(int id) {
    return byteTokens.get(check(id));
  }

  public boolean isSpecial(int id) {
    return special[check(id)];
  }

  public Roles roles() {
    return roles;
  }

  Edges edges() {
    return edges;
  }

  /** The id of a spelling, or -1. */
  public int find(String token) {
    return ids().getOrDefault(token, -1);
  }

  private int check(int id) {
    if (id < 0 || id >= tokens.size()) {
      throw new TokenizerException(
          "token id " + id + " is outside the vocabulary of " + tokens.size() + " tokens");
    }
    return id;
  }
}
