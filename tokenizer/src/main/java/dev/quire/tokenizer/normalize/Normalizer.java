package dev.quire.tokenizer.normalize;

/** Maps text to the form that a vocabulary was trained on. */
public interface Normalizer {
  /** Leaves text as it is. */
  Normalizer NONE = text -> text;

  /** The normalised text. */
  String normalize(String text);

  /** This one, then the other. */
  default Normalizer then(Normalizer other) {
    return this == NONE ? other : other == NONE ? this : text -> other.normalize(normalize(text));
  }
}
