package dev.quire.tests.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

/** What a refusal must be: one that a person can use. */
final class Refusals {
  private Refusals() {}

  /**
   * @param named what the message must name, such as the file
   */
  static void check(RuntimeException refusal, String named) {
    assertThat(refusal.getMessage()).isNotBlank().contains(named);
  }
}
