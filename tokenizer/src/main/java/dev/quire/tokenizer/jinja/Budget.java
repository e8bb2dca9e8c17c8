package dev.quire.tokenizer.jinja;

/** What a template may use, so that a hostile one ends: steps, depth of calls, size of a value. */
final class Budget {
  private static final long STEPS = 20_000_000;
  private static final int DEPTH = 150;

  /** What Python says of calls that are nested too deeply. */
  static final String TOO_DEEP = "maximum recursion depth exceeded";

  /** The greatest length of a text or list. */
  static final int SIZE = 16_000_000;

  private long steps;
  private int depth;

  /** One step that touches {@code size} characters or items. */
  void spend(long size) {
    steps += 1 + size / 16;
    if (steps > STEPS || size > SIZE) {
      throw new JinjaException("the template needs too much time or memory; it was stopped");
    }
  }

  void enter() {
    if (++depth > DEPTH) {
      throw new JinjaException(TOO_DEEP);
    }
  }

  void leave() {
    depth--;
  }
}
