package dev.quire.weights.synth;

import dev.quire.weights.WeightsException;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * A byte-level BPE vocabulary of an exact size: the 256 bytes, tokens that merges make of letters
 * (common words first), and special tokens at the end. Every merge joins two tokens that come
 * before its result.
 *
 * @param tokens in GPT-2's alphabet, where each byte is a printable character
 * @param merges the two parts of each merged token, with a space between
 * @param specials how many of the last tokens are special
 */
record Vocabulary(List<String> tokens, List<String> merges, int specials) {
  private static final char SPACE = '\u0120';
  private static final int LONGEST = 14;

  /** English letters, the frequent ones first. */
  private static final String LETTERS = "etaoinshrdlcumwfgypbvkjxqz";

  private static final String WORDS =
      "the of and to in is that it was for on are as with his they be at one have this from or had"
          + " by but what some we can out other were all there when up use your how said an each"
          + " she which do their time if will way about many then them write would like so these"
          + " her long make thing see him two has look more day could go come did number sound no"
          + " most people my over know water than call first who may down side been now find any"
          + " new work part take get place made live where after back little only round man year"
          + " came show every good me give our under name very through just form sentence great"
          + " think say help low line differ turn cause much mean before move right boy old too"
          + " same tell does set three want air well also play small end put home read hand port"
          + " large spell add even land here must big high such follow act why ask men change went"
          + " light kind off need house picture try us again animal point mother world near build"
          + " self earth father";

  static Vocabulary of(int size, List<String> specialTokens) {
    if (size < 256 + specialTokens.size()) {
      throw new WeightsException(
          "a byte-level vocabulary needs at least %d tokens, not %d"
              .formatted(256 + specialTokens.size(), size));
    }
    var maker = new Maker(size - specialTokens.size());
    maker.bytes();
    maker.words();
    maker.combinations();
    maker.tokens.addAll(specialTokens);
    return new Vocabulary(
        List.copyOf(maker.tokens), List.copyOf(maker.merges), specialTokens.size());
  }

  private static final class Maker {
    private final int limit;
    private final List<String> tokens = new ArrayList<>();
    private final List<String> merges = new ArrayList<>();
    private final Set<String> known = new HashSet<>();

    /** What combinations are made of: letters, and all that was merged. */
    private final List<String> pieces = new ArrayList<>();

    Maker(int limit) {
      this.limit = limit;
    }

    /** GPT-2's order: bytes that print as they are, then the others from U+0100 on. */
    void bytes() {
      for (int b = 0; b < 256; b++) {
        if (printsItself(b)) {
          addToken(String.valueOf((char) b));
        }
      }
      for (int n = 0; tokens.size() < 256; n++) {
        addToken(String.valueOf((char) (256 + n)));
      }
      LETTERS.chars().forEach(c -> pieces.add(String.valueOf((char) c)));
    }

    private static boolean printsItself(int b) {
      return b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE;
    }

    void words() {
      for (String word : WORDS.split(" ", -1)) {
        String start = String.valueOf(SPACE);
        for (int i = 0; i < word.length(); i++) {
          char letter = word.charAt(i);
          merge(start, String.valueOf(letter));
          start += letter;
        }
      }
    }

    /** Joins random pieces, the earlier ones oftener, until the vocabulary is full. */
    void combinations() {
      for (long draw = 0; tokens.size() < limit; draw++) {
        merge(piece(2 * draw), piece(2 * draw + 1));
      }
    }

    private String piece(long draw) {
      int range = Counter.below(pieces.size(), 1, draw) + 1;
      return pieces.get(Counter.below(range, 2, draw));
    }

    private void merge(String left, String right) {
      String joined = left + right;
      if (tokens.size() == limit
          || joined.length() > LONGEST
          || right.charAt(0) == SPACE
          || !known.contains(left)
          || known.contains(joined)) {
        return;
      }
      addToken(joined);
      merges.add(left + " " + right);
      pieces.add(joined);
    }

    private void addToken(String token) {
      tokens.add(token);
      known.add(token);
    }
  }
}
