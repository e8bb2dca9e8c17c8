package dev.quire.cli.hub;

/**
 * What a user asks a hub for: {@code owner/name}, {@code owner/name:quant} or {@code
 * owner/name@revision:quant}.
 *
 * @param quant part of the wanted GGUF file's name, such as Q4_K_M; empty for the usual choice
 */
public record HubReference(String repository, String revision, String quant) {
  private static final String NAME = "[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*";

  /**
   * Parses.
   *
   * @throws HubException if it names no repository
   */
  public static HubReference parse(String text) {
    String rest = text.startsWith("hf:") ? text.substring(3) : text;
    int colon = rest.indexOf(':');
    String quant = colon < 0 ? "" : rest.substring(colon + 1);
    rest = colon < 0 ? rest : rest.substring(0, colon);
    int at = rest.indexOf('@');
    String revision = at < 0 ? "main" : rest.substring(at + 1);
    String repository = at < 0 ? rest : rest.substring(0, at);
    boolean plain = revision.matches("[A-Za-z0-9][A-Za-z0-9._/-]*") && !revision.contains("..");
    if (!repository.matches(NAME) || repository.contains("..") || !plain) {
      throw new HubException(
          "'" + text + "' names no model: write owner/name, owner/name:Q4_K_M or hf:owner/name");
    }
    return new HubReference(repository, revision, quant);
  }

  /** The repository's folder in the cache. */
  String folder() {
    return "models--" + repository.replace("/", "--");
  }
}
