package dev.quire.tests;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/**
 * Steps of every size on the GPU's kernels give the CPU's logits, whatever rides in them: chunks
 * and single tokens together, prefixes found in the cache, forks that copy blocks on write.
 */
class DeviceStepsTest {
  private static final double RELATIVE_ERROR = 5e-3;
  private static final int MOST_SEQUENCES = 17;
  private static final int CAPACITY = 48;
  private static final PagedModel.Setup SETUP = new PagedModel.Setup(4, 300, 2, true);

  /** The same sequences on two executors. */
  private record Pair(PagedModel.Sequence cpu, PagedModel.Sequence device) {
    int known() {
      return cpu.length - cpu.computed;
    }
  }

  @Test
  void mixedStepsGiveTheCpusLogitsAndTheSameBitsTwice() {
    List<float[]> once = run(false);
    List<float[]> twice = run(true);
    for (int i = 0; i < once.size(); i++) {
      assertThat(twice.get(i)).as("step %d", i).isEqualTo(once.get(i));
    }
  }

  /**
   * @param prepared whether empty steps of all sizes come first
   */
  private static List<float[]> run(boolean prepared) {
    Golden golden = Golden.folder("llama");
    var random = new Random(7);
    int[] prefix = Arrays.copyOf(golden.tokens()[0], 10);
    List<float[]> all = new ArrayList<>();
    try (var cpu = new PagedModel(golden.model(), SETUP);
        var device = PagedModel.onJvmDevice(golden.model(), SETUP, MOST_SEQUENCES)) {
      if (prepared) {
        device.prepare();
      }
      List<Pair> live = new ArrayList<>();
      // Each of 1, 2, 4, 8, 16 and 17 sequences decodes; before that its prompts ride with decodes.
      for (int size : new int[] {1, 2, 3, 7, 12, MOST_SEQUENCES}) {
        while (live.size() < size) {
          if (live.size() % 3 == 2) {
            Pair parent = live.get(random.nextInt(live.size()));
            live.add(new Pair(cpu.fork(parent.cpu()), device.fork(parent.device())));
            continue;
          }
          int[] prompt = Arrays.copyOf(prefix, 11 + random.nextInt(9));
          for (int i = prefix.length; i < prompt.length; i++) {
            prompt[i] = random.nextInt(golden.vocabulary());
          }
          var pair = new Pair(cpu.sequence(prompt, CAPACITY), device.sequence(prompt, CAPACITY));
          assertThat(device.attach(pair.device())).isEqualTo(cpu.attach(pair.cpu()));
          live.add(pair);
        }
        while (live.stream().anyMatch(pair -> pair.known() > 1)) {
          all.add(step(cpu, device, live, random, golden.vocabulary()));
        }
        all.add(step(cpu, device, live, random, golden.vocabulary()));
      }
    }
    return all;
  }

  /**
   * Computes some of what is known of each sequence; a sequence that is up to date gets a token.
   */
  private static float[] step(
      PagedModel cpu, PagedModel device, List<Pair> live, Random random, int vocabulary) {
    int[] counts = new int[live.size()];
    for (int i = 0; i < counts.length; i++) {
      Pair pair = live.get(i);
      if (pair.known() == 0) {
        int token = random.nextInt(vocabulary);
        pair.cpu().append(token);
        pair.device().append(token);
      }
      counts[i] = Math.min(pair.known(), 7);
    }
    float[] expected = cpu.step(live.stream().map(Pair::cpu).toList(), counts, false);
    float[] actual = device.step(live.stream().map(Pair::device).toList(), counts, false);
    double difference = 0;
    double size = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow(actual[i] - expected[i], 2);
      size += Math.pow(expected[i], 2);
    }
    assertThat(Math.sqrt(difference / size))
        .as("%d sequences, %s tokens", counts.length, Arrays.toString(counts))
        .isLessThan(RELATIVE_ERROR);
    return actual;
  }
}
