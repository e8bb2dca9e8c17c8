package dev.quire.tokenizer.split;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * The pre-tokenizers that GGUF files call by name ({@code tokenizer.ggml.pre}), and the patterns
 * that stand in several models' {@code tokenizer.json}.
 */
public final class PreTokenizers {
  static final String GPT2 =
      "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+";

  private static final String CONTRACTIONS = "(?i:'s|'t|'re|'ve|'m|'ll|'d)";
  private static final String LINES_AND_SPACE = "|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
  private static final String UPPER = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]";
  private static final String LOWER = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]";
  private static final String LETTERS_OF_DEEPSEEK =
      "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚ"
          + "Ḁ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-\\x{1F7D}ᾀ-ᾴᾶ-ᾼ\\x{1FBE}ῂ-ῄῆ-ῌῐ-\\x{1FD3}ῖ-\\x{1FDB}ῠ-Ῥῲ-ῴ"
          + "ῶ-ῼℂℇℊ-ℓℕℙ-ℝℤ\\x{2126}ℨ\\x{212A}-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿ"
          + "ﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ\\x{10400}-\\x{1044F}\\x{104B0}-\\x{104D3}\\x{104D8}-\\x{104FB}"
          + "\\x{10C80}-\\x{10CB2}\\x{10CC0}-\\x{10CF2}\\x{118A0}-\\x{118DF}"
          + "\\x{1E900}-\\x{1E943}";

  private PreTokenizers() {}

  /**
   * The splitter for a pre-tokenizer's name.
   *
   * @return null for a name that is not known
   */
  public static @Nullable Splitter named(String name) {
    return switch (name) {
      case "gpt-2",
          "phi-2",
          "jina-es",
          "jina-de",
          "jina-v1-en",
          "jina-v2-es",
          "jina-v2-de",
          "jina-v2-code",
          "gigachat",
          "mpt",
          "olmo",
          "jais",
          "roberta-bpe",
          "a.x-4.0",
          "mellum",
          "modern-bert",
          "trillion",
          "granite-docling",
          "exaone4" ->
          PatternSplitter.gpt2();
      case "llama3",
          "llama-v3",
          "llama-bpe",
          "falcon3",
          "falcon-h1",
          "pixtral",
          "midm-2.0",
          "lfm2",
          "jina-v5-nano",
          "dbrx",
          "smaug-bpe",
          "chatglm-bpe",
          "glm4" ->
          PatternSplitter.llama3(3, false);
      case "qwen2",
          "stablelm2",
          "deepseek-r1-qwen",
          "kormo",
          "hunyuan",
          "megrez",
          "solar-open",
          "f2llmv2" ->
          PatternSplitter.llama3(1, false);
      case "qwen35" -> PatternSplitter.llama3(1, true);
      case "starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b" ->
          SplitterChain.of(List.of(RegexSplitter.isolated("\\p{N}"), PatternSplitter.gpt2()));
      case "default" -> chain("[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]");
      case "falcon" -> chain("[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]");
      case "deepseek-llm" ->
          chain(
              "[\\r\\n]",
              "\\s?[" + LETTERS_OF_DEEPSEEK + "]+",
              "\\s?[!-/:-~！-／：-～‘-‟　-。]+",
              "\\s+$",
              "[\\u4E00-\\u9FA5\\u0800-\\u4E00\\uAC00-\\uD7FF]+",
              "\\p{N}+");
      case "deepseek-coder" ->
          chain(
              "[\\r\\n]",
              "\\s?\\p{L}+",
              "\\s?\\p{P}+",
              "[\\u4E00-\\u9FA5\\u0800-\\u4E00\\uAC00-\\uD7FF]+",
              "\\p{N}");
      case "deepseek-v3", "hunyuan-dense", "joyai-llm" ->
          chain(
              "\\p{N}{1,3}",
              "[一-龥\\u3040-ゟ゠-ヿ]+",
              "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+"
                  + "|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*"
                  + LINES_AND_SPACE);
      case "poro-chat", "bloom", "gpt3-finnish" -> chain(" ?[^(\\s|.,!?…。，、।۔،)]+");
      case "viking" -> chain(" ?[^(\\s|.,!?…。，、।۔،)]+", "\\p{N}");
      case "tekken" -> RegexSplitter.isolated(caseAware("", "\\p{N}", "[\\r\\n/]*"));
      case "gpt-4o", "llama4", "kanana2", "talkie", "minimax-m2" ->
          RegexSplitter.isolated(caseAware(CONTRACTIONS + "?", "\\p{N}{1,3}", "[\\r\\n/]*"));
      case "superbpe" -> chain("\\p{N}+", "(?=(\\d{3})+(?!\\d))");
      case "bailingmoe", "bailingmoe2", "llada-moe" ->
          chain(
              "'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}"
                  + "| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+");
      case "seed-coder" ->
          chain(
              CONTRACTIONS
                  + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1}| ?[^\\s\\p{L}\\p{N}\\r\\n]+"
                  + LINES_AND_SPACE);
      case "kimi-k2" -> chain(kimi());
      case "grok-2" ->
          chain(
              CONTRACTIONS
                  + "|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
                  + LINES_AND_SPACE);
      default -> null;
    };
  }

  /** Whether a piece that is a token is taken as that token whatever the merges say. */
  public static boolean takesWholePieces(String name) {
    return switch (name) {
      case "llama3",
          "llama-v3",
          "llama-bpe",
          "falcon3",
          "falcon-h1",
          "pixtral",
          "midm-2.0",
          "lfm2",
          "jina-v5-nano",
          "tekken",
          "chameleon" ->
          true;
      default -> false;
    };
  }

  /** Whether files with this pre-tokenizer mean a leading BOS where they do not say. */
  public static boolean startsWithBos(String name) {
    return takesWholePieces(name) && !name.equals("tekken") && !name.equals("chameleon");
  }

  private static Splitter chain(String... patterns) {
    List<Splitter> splitters = new ArrayList<>();
    for (String pattern : patterns) {
      splitters.add(ofPattern(pattern));
    }
    return SplitterChain.of(splitters);
  }

  /** The splitter that isolates the matches of a pattern, hand-written where there is one. */
  public static Splitter ofPattern(String pattern) {
    Splitter known = known(pattern);
    return known != null ? known : RegexSplitter.isolated(pattern);
  }

  private static @Nullable Splitter known(String pattern) {
    if (pattern.equals(GPT2)) {
      return PatternSplitter.gpt2();
    }
    if (pattern.equals(DigitGroups.PATTERN)) {
      return new DigitGroups();
    }
    for (int digits : new int[] {1, 3}) {
      String number = digits == 1 ? "\\p{N}" : "\\p{N}{1,3}";
      if (pattern.equals(llama3("\\p{L}", "", number))) {
        return PatternSplitter.llama3(digits, false);
      }
      if (pattern.equals(llama3("[\\p{L}\\p{M}]", "\\p{M}", number))) {
        return PatternSplitter.llama3(digits, true);
      }
    }
    return null;
  }

  private static String llama3(String letter, String marks, String number) {
    return CONTRACTIONS
        + "|[^\\r\\n\\p{L}\\p{N}]?"
        + letter
        + "+|"
        + number
        + "| ?[^\\s\\p{L}"
        + marks
        + "\\p{N}]+[\\r\\n]*"
        + LINES_AND_SPACE;
  }

  private static String caseAware(String contraction, String number, String afterSymbols) {
    String before = "[^\\r\\n\\p{L}\\p{N}]?";
    return before
        + (UPPER + "*" + LOWER + "+" + contraction + "|")
        + before
        + (UPPER + "+" + LOWER + "*" + contraction + "|")
        + number
        + "| ?[^\\s\\p{L}\\p{N}]+"
        + afterSymbols
        + LINES_AND_SPACE;
  }

  private static String kimi() {
    String upper = "[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]";
    String lower = "[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}&&[^\\p{Han}]]";
    String before = "[^\\r\\n\\p{L}\\p{N}]?";
    return "[\\p{Han}]+|"
        + (before + upper + "*" + lower + "+" + CONTRACTIONS + "?|")
        + (before + upper + "+" + lower + "*" + CONTRACTIONS + "?|")
        + "\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
        + LINES_AND_SPACE;
  }
}
