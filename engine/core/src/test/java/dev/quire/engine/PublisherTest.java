package dev.quire.engine;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(60)
class PublisherTest {
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void everyWorkIsDoneBeforeItIsFinished(boolean looks) {
    AtomicInteger done = new AtomicInteger();
    try (Publisher publisher = new Publisher(looks)) {
      for (int i = 0; i < 2000; i++) {
        publisher.begin(done::incrementAndGet);
        publisher.finish();
        assertThat(done).hasValue(i + 1);
        publisher.finish();
        if (i % 500 == 0) {
          LockSupport.parkNanos(6_000_000); // It has gone to sleep.
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aFailureIsThrownOnce(boolean looks) {
    try (Publisher publisher = new Publisher(looks)) {
      publisher.begin(
          () -> {
            throw new IllegalStateException("no reader");
          });
      assertThatThrownBy(publisher::finish).hasMessage("no reader");
      publisher.finish();
    }
  }
}
