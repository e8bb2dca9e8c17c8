package dev.quire.engine.tornado;

import static org.assertj.core.api.Assertions.assertThatCode;

import dev.quire.tornado.jvm.Checked;
import org.junit.jupiter.api.Test;

class SelfCheckTest {
  @Test
  void theJvmPassesIt() {
    assertThatCode(SelfCheck::run).doesNotThrowAnyException();
  }

  @Test
  void itsKernelsTouchNothingTheyShouldNot() {
    assertThatCode(() -> Checked.run(SelfCheck::run)).doesNotThrowAnyException();
  }
}
