package dev.quire.kernels;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

class StepScatterTest {
  @ParameterizedTest
  @CsvSource({"1, 1, 0, 1, 0", "5, 3, 2, 3, 7", "5000, 40, 60, 17, 4500", "0, 0, 0, 0, 300"})
  void eachPartReachesItsArray(int rows, int sequences, int tiles, int wanted, int changes) {
    Random random = new Random(rows);
    int[][] parts =
        IntStream.of(rows, rows, rows, sequences, tiles * ChunkTiles.DESCRIPTOR, wanted, rows, rows)
            .mapToObj(n -> random.ints(n).toArray())
            .toArray(int[][]::new);
    int tableEntries = 6000;
    int[] places = random.ints(0, tableEntries).distinct().limit(changes).toArray();
    int[] pairs = new int[2 * changes];
    for (int i = 0; i < changes; i++) {
      pairs[2 * i] = places[i];
      pairs[2 * i + 1] = random.nextInt();
    }
    int headerEnd = StepScatter.CACHE_GROUPS + 2 * StepScatter.PER_CACHE_GROUP;
    int[] all =
        new int[headerEnd + Arrays.stream(parts).mapToInt(p -> p.length).sum() + 2 * changes];
    int[] begin = new int[parts.length];
    int at = headerEnd;
    for (int p = 0; p < parts.length; p++) {
      begin[p] = at;
      System.arraycopy(parts[p], 0, all, at, parts[p].length);
      at += parts[p].length;
    }
    System.arraycopy(pairs, 0, all, at, pairs.length);
    int[] header = {rows, 128, 2 * rows, tiles, wanted, sequences};
    System.arraycopy(header, 0, all, 0, header.length);
    System.arraycopy(begin, 0, all, StepScatter.PARTS, 6);
    for (int group = 0; group < 2; group++) {
      int entry = StepScatter.CACHE_GROUPS + group * StepScatter.PER_CACHE_GROUP;
      all[entry] = begin[6 + group];
      all[entry + 1] = at;
      all[entry + 2] = changes;
    }
    IntArray packed = IntArray.fromArray(all);
    IntArray counts = new IntArray(3);
    IntArray[] single = {new IntArray(1), new IntArray(1), new IntArray(1)};
    IntArray[] out = new IntArray[parts.length];
    for (int p = 0; p < parts.length; p++) {
      out[p] = new IntArray(parts[p].length + 1);
    }
    IntArray[] tables = {new IntArray(tableEntries), new IntArray(tableEntries)};
    Device.run(
        StepScatter.grid(),
        Device.in(packed, tables[0]),
        g ->
            g.task(
                "kernel",
                StepScatter::scatter,
                new KernelContext(),
                packed,
                counts,
                single[0],
                single[1],
                single[2],
                out[0],
                out[1],
                out[2],
                out[3],
                out[4],
                out[5],
                out[6],
                tables[0]),
        Device.out(
            counts, single[0], single[1], single[2], out[0], out[1], out[2], out[3], out[4], out[5],
            out[6], tables[0]));
    Device.run(
        StepScatter.grid(),
        Device.in(packed, tables[1]),
        g ->
            g.task(
                "kernel",
                StepScatter::scatterGroup,
                new KernelContext(),
                packed,
                out[7],
                tables[1],
                StepScatter.CACHE_GROUPS + StepScatter.PER_CACHE_GROUP),
        Device.out(out[7], tables[1]));
    assertThat(counts.toHeapArray()).containsExactly(rows, 128, rows > 0 ? parts[1][0] : 0);
    assertThat(single[0].get(0)).isEqualTo(tiles);
    assertThat(single[1].get(0)).isEqualTo(2 * rows);
    assertThat(single[2].get(0)).isEqualTo(wanted);
    for (int p = 0; p < parts.length; p++) {
      assertThat(Arrays.copyOf(out[p].toHeapArray(), parts[p].length))
          .as("part %d", p)
          .isEqualTo(parts[p]);
    }
    int[] expected = new int[tableEntries];
    StepScatter.reference(expected, pairs);
    assertThat(tables[0].toHeapArray()).isEqualTo(expected);
    assertThat(tables[1].toHeapArray()).isEqualTo(expected);
  }
}
