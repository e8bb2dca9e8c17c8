package dev.quire.cli;

/** How figures are printed: for people, or for programs. */
enum OutputFormat {
  TABLE,
  JSON
}
