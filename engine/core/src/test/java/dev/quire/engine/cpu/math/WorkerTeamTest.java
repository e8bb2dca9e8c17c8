package dev.quire.engine.cpu.math;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.concurrent.atomic.AtomicIntegerArray;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class WorkerTeamTest {
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4})
  void everyWorkerRunsEveryTaskOnce(int threads) {
    try (WorkerTeam team = new WorkerTeam(threads)) {
      AtomicIntegerArray calls = new AtomicIntegerArray(threads);
      for (int i = 0; i < 500; i++) {
        team.run((worker, workers) -> calls.addAndGet(worker, workers));
      }
      for (int i = 0; i < threads; i++) {
        assertThat(calls.get(i)).isEqualTo(500 * threads);
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 3})
  void everyItemRunsOnce(int threads) {
    try (WorkerTeam team = new WorkerTeam(threads)) {
      for (int items : new int[] {0, 1, 2, 1000}) {
        AtomicIntegerArray calls = new AtomicIntegerArray(Math.max(items, 1));
        team.forEach(items, (item, worker) -> calls.incrementAndGet(item));
        for (int i = 0; i < items; i++) {
          assertThat(calls.get(i)).isOne();
        }
      }
    }
  }

  @Test
  void throwsWhatAWorkerThrowsAndGoesOn() {
    try (WorkerTeam team = new WorkerTeam(3)) {
      for (int i = 0; i < 20; i++) {
        int bad = i % 3;
        assertThatThrownBy(
                () ->
                    team.run(
                        (worker, workers) -> {
                          if (worker == bad) {
                            throw new IllegalArgumentException("worker " + worker);
                          }
                        }))
            .isInstanceOf(IllegalArgumentException.class)
            .hasMessage("worker " + bad);
      }
    }
  }

  @Test
  void aClosedTeamRefusesWork() {
    WorkerTeam team = new WorkerTeam(2);
    team.close();
    team.close();
    assertThatThrownBy(() -> team.run((worker, workers) -> {}))
        .isInstanceOf(IllegalStateException.class);
  }
}
