package dev.quire.engine.constrain;

import dev.quire.tokenizer.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * The bytes of a vocabulary's tokens as two tries in one flat array, in depth-first order: a node's
 * subtree is what follows it up to {@link #end}. The first trie holds the <i>plain</i> tokens,
 * printable ASCII without quote and backslash, of which a text inside a JSON string mostly
 * consists; the second holds the others. Special tokens, which stand for no text, are in neither.
 */
final class TokenTrie {
  private static final int LONGEST_PLAIN = 64;

  private final int vocabulary;
  private final int longestPlain;
  private final long[][] plainOfLength;
  private final int otherRoot;
  private byte[] label = new byte[1024];
  private short[] depth = new short[1024];
  private int[] end = new int[1024];
  private int[] firstToken = new int[1025];
  private int[] tokens = new int[1024];
  private int nodes;
  private int tokenCount;

  private record Spelling(int token, byte[] bytes, boolean plain) {}

  /**
   * @param vocabulary tokens that the sampler may choose
   */
  TokenTrie(Tokenizer tokenizer, int vocabulary) {
    this.vocabulary = vocabulary;
    List<Spelling> spellings = new ArrayList<>(vocabulary);
    int longest = 0;
    for (int token = 0; token < vocabulary; token++) {
      byte[] bytes = tokenizer.isSpecial(token) ? new byte[0] : tokenizer.tokenBytes(token);
      if (bytes.length > 0 && bytes.length < Short.MAX_VALUE) {
        boolean plain = plain(bytes);
        spellings.add(new Spelling(token, bytes, plain));
        longest = plain ? Math.max(longest, bytes.length) : longest;
      }
    }
    spellings.sort(Comparator.comparing(Spelling::bytes, Arrays::compareUnsigned));
    longestPlain = longest;
    plainOfLength = new long[longest + 1][maskLength()];
    for (Spelling spelling : spellings) {
      if (spelling.plain()) {
        for (int length = spelling.bytes().length; length <= longest; length++) {
          set(plainOfLength[length], spelling.token());
        }
      }
    }
    add(spellings.stream().filter(Spelling::plain).toList());
    otherRoot = nodes;
    add(spellings.stream().filter(s -> !s.plain()).toList());
    firstToken[nodes] = tokenCount;
  }

  private static boolean plain(byte[] bytes) {
    if (bytes.length > LONGEST_PLAIN) {
      return false;
    }
    for (byte b : bytes) {
      if (!isPlain(b & 0xFF)) {
        return false;
      }
    }
    return true;
  }

  /** Whether tokens of the first trie may hold a byte. */
  static boolean isPlain(int b) {
    return b >= 0x20 && b < 0x7F && b != '"' && b != '\\';
  }

  private void add(List<Spelling> sorted) {
    node((byte) 0, 0);
    int root = nodes - 1;
    int[] path = new int[Short.MAX_VALUE + 1];
    path[0] = root;
    byte[] before = {};
    for (Spelling spelling : sorted) {
      byte[] bytes = spelling.bytes();
      int common = Math.max(0, Arrays.mismatch(before, bytes));
      if (Arrays.equals(before, bytes)) {
        common = bytes.length;
      }
      for (int d = before.length; d > common; d--) {
        end[path[d]] = nodes;
      }
      for (int d = common; d < bytes.length; d++) {
        node(bytes[d], d + 1);
        path[d + 1] = nodes - 1;
      }
      if (tokenCount == tokens.length) {
        tokens = Arrays.copyOf(tokens, tokenCount * 2);
      }
      tokens[tokenCount++] = spelling.token();
      before = bytes;
    }
    for (int d = before.length; d >= 0; d--) {
      end[path[d]] = nodes;
    }
  }

  private void node(byte value, int nodeDepth) {
    if (nodes == label.length) {
      int size = nodes * 2;
      label = Arrays.copyOf(label, size);
      depth = Arrays.copyOf(depth, size);
      end = Arrays.copyOf(end, size);
      firstToken = Arrays.copyOf(firstToken, size + 1);
    }
    label[nodes] = value;
    depth[nodes] = (short) nodeDepth;
    firstToken[nodes] = tokenCount;
    nodes++;
  }

  /** Words of a mask over the vocabulary. */
  int maskLength() {
    return (vocabulary + 63) >>> 6;
  }

  static void set(long[] mask, int token) {
    mask[token >>> 6] |= 1L << token;
  }

  /** Root of the plain tokens' trie. */
  int plainRoot() {
    return 0;
  }

  /** Root of the other tokens' trie. */
  int otherRoot() {
    return otherRoot;
  }

  /** Bytes of the longest plain token. */
  int longestPlain() {
    return longestPlain;
  }

  /** Adds every plain token of at most this many bytes. */
  void addPlain(int length, long[] mask) {
    long[] plain = plainOfLength[Math.min(length, longestPlain)];
    for (int i = 0; i < mask.length; i++) {
      mask[i] |= plain[i];
    }
  }

  int label(int node) {
    return label[node] & 0xFF;
  }

  int depth(int node) {
    return depth[node];
  }

  /** The node after a node's subtree. */
  int end(int node) {
    return end[node];
  }

  /** Adds the tokens that end at a node. */
  void addTokens(int node, long[] mask) {
    for (int i = firstToken[node]; i < firstToken[node + 1]; i++) {
      set(mask, tokens[i]);
    }
  }
}
