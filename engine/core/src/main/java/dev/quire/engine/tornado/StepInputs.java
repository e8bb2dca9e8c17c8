package dev.quire.engine.tornado;

import dev.quire.kernels.ChunkAttention;
import dev.quire.kernels.ChunkTiles;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;
import uk.ac.manchester.tornado.api.types.arrays.TornadoNativeArray;

/**
 * All that changes from step to step, as the kernels read it: on the device only, written there by
 * what a {@link StepSender} sends, shared by all graphs.
 */
final class StepInputs {
  /** Rows; positions a split; the first row's position. */
  final IntArray counts;

  final IntArray tokens;
  final IntArray positions;

  /** Of each cache group, [rows]. */
  final List<IntArray> slots;

  /** Of each cache group, [sequences, tableWidth]. */
  final List<IntArray> tables;

  /** Positions in the cache, [sequences]. */
  final IntArray lengths;

  /** The sequence of each row. */
  final IntArray sequences;

  /** Tiles of queries, as {@link ChunkAttention} describes them, and how many there are. */
  final IntArray tiles;

  final IntArray tileCounts;

  /** Pairs of a row and one of its experts. */
  final IntArray pairCounts;

  /** Rows whose logits are wanted, and how many there are. */
  final IntArray wanted;

  final IntArray wantedCounts;

  StepInputs(HostMirror mirror, int groups, int mostTiles, TornadoOptions options) {
    int rows = options.rows();
    int sequenceRows = Math.min(rows, options.maxSequences());
    this.counts = mirror.ints(3);
    this.tokens = mirror.ints(rows);
    this.positions = mirror.ints(rows);
    this.slots = IntStream.range(0, groups).mapToObj(_ -> mirror.ints(rows)).toList();
    this.tables =
        IntStream.range(0, groups)
            .mapToObj(_ -> mirror.ints((long) sequenceRows * options.tableWidth()))
            .toList();
    this.lengths = mirror.ints(sequenceRows);
    this.sequences = mirror.ints(rows);
    this.tiles = mirror.ints((long) mostTiles * ChunkTiles.DESCRIPTOR);
    this.tileCounts = mirror.ints(1);
    this.pairCounts = mirror.ints(1);
    this.wanted = mirror.ints(options.logitRows());
    this.wantedCounts = mirror.ints(1);
  }

  List<TornadoNativeArray> arrays() {
    List<TornadoNativeArray> all =
        new ArrayList<>(
            List.of(
                counts,
                tokens,
                positions,
                lengths,
                sequences,
                tiles,
                tileCounts,
                pairCounts,
                wanted,
                wantedCounts));
    all.addAll(slots);
    all.addAll(tables);
    return all;
  }
}
