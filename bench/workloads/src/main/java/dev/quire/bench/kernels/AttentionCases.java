package dev.quire.bench.kernels;

import dev.quire.kernels.AttentionGroups;
import dev.quire.kernels.ChunkAttention;
import dev.quire.kernels.ChunkTiles;
import dev.quire.kernels.ContextSplits;
import dev.quire.kernels.FusedAttention;
import dev.quire.kernels.PagedAttention;
import java.util.ArrayList;
import java.util.List;
import uk.ac.manchester.tornado.api.KernelContext;
import uk.ac.manchester.tornado.api.types.arrays.FloatArray;
import uk.ac.manchester.tornado.api.types.arrays.HalfFloatArray;
import uk.ac.manchester.tornado.api.types.arrays.IntArray;

/** Attention, paged and in one piece, of single queries and of prefill chunks. */
final class AttentionCases {
  private final KernelContext context = new KernelContext();
  private final List<KernelCase> cases = new ArrayList<>();

  private AttentionCases() {}

  static List<KernelCase> of(Scale scale) {
    AttentionCases attention = new AttentionCases();
    if (scale == Scale.TINY) {
      for (int blockSize : new int[] {8, 16}) {
        attention.paged(new AttentionShape("tiny", 2, 64, 4, 2, 32, blockSize, 2));
      }
      attention.contiguous(new AttentionShape("tiny", 2, 64, 4, 2, 32, 16, 2));
      attention.fused(new AttentionShape("tiny", 1, 64, 4, 2, 32, 16, 1));
      attention.chunk("tiny", 32, 4, 2, 32, 16);
    } else {
      for (int blockSize : new int[] {8, 16, 32, 64}) {
        attention.paged(new AttentionShape("1B", 128, 1024, 32, 8, 64, blockSize, 1));
      }
      attention.contiguous(new AttentionShape("1B", 128, 1024, 32, 8, 64, 16, 1));
      for (int blockSize : new int[] {8, 16, 32, 64}) {
        attention.paged(new AttentionShape("8B", 128, 1024, 32, 8, 128, blockSize, 1));
      }
      attention.contiguous(new AttentionShape("8B", 128, 1024, 32, 8, 128, 16, 1));
      attention.paged(new AttentionShape("1B", 8, 1024, 32, 8, 64, 16, 8));
      attention.paged(new AttentionShape("1B", 1, 128, 32, 8, 64, 16, 1));
      attention.paged(new AttentionShape("1B", 1, 1024, 32, 8, 64, 16, 8));
      attention.paged(new AttentionShape("1B", 1, 8192, 32, 8, 64, 16, 64));
      for (int length : new int[] {128, 256, 1024, 8192}) {
        attention.fused(new AttentionShape("1B", 1, length, 32, 8, 64, 16, 1));
      }
      attention.fused(new AttentionShape("8B", 1, 1024, 32, 8, 128, 16, 1));
      attention.chunk("1B", 512, 32, 8, 64, 16);
      attention.chunk("1B", 2048, 32, 8, 64, 16);
      attention.chunk("1B", 8192, 32, 8, 64, 16);
      attention.chunk("8B", 2048, 32, 8, 128, 16);
    }
    return attention.cases;
  }

  private void paged(AttentionShape shape) {
    attention("PagedAttention", shape.text() + " block " + shape.blockSize(), shape, true);
  }

  /** The same kernel over sequences in one piece each, so that only the block table is missing. */
  private void contiguous(AttentionShape shape) {
    attention("ContiguousAttention", shape.text(), shape, false);
  }

  private void attention(String name, String text, AttentionShape shape, boolean paged) {
    int heads = shape.heads();
    int kvHeads = shape.kvHeads();
    int headSize = shape.headSize();
    int warps = AttentionGroups.warps(shape.sequences(), heads, kvHeads, headSize);
    cases.add(
        new KernelCase(
            name,
            text,
            shape.bytes(),
            shape.operations(),
            () -> {
              AttentionShape.Arrays arrays = new AttentionShape.Arrays(shape, paged);
              return combine(
                  shape,
                  arrays,
                  arrays
                      .work()
                      .launch(
                          AttentionGroups.grid(
                              shape.sequences(), heads, kvHeads, shape.splits(), warps),
                          (graph, id, _) ->
                              graph.task(
                                  id,
                                  PagedAttention::attend,
                                  context,
                                  arrays.counts,
                                  arrays.queries,
                                  arrays.keys,
                                  arrays.values,
                                  arrays.tables,
                                  arrays.lengths,
                                  arrays.partial,
                                  arrays.out,
                                  heads,
                                  kvHeads,
                                  headSize,
                                  paged ? shape.blockSize() : shape.length(),
                                  paged ? shape.tableWidth() : 0,
                                  shape.splits(),
                                  warps,
                                  0,
                                  shape.scale(),
                                  0.0f,
                                  AttentionGroups.early(shape.sequences()))));
            }));
  }

  private KernelWork combine(AttentionShape shape, AttentionShape.Arrays arrays, KernelWork work) {
    return work.launch(
        ContextSplits.grid(shape.sequences(), shape.kvHeads()),
        (graph, id, _) ->
            graph.task(
                id,
                ContextSplits::combine,
                context,
                arrays.counts,
                arrays.partial,
                arrays.lengths,
                arrays.out,
                shape.heads(),
                shape.kvHeads(),
                shape.headSize(),
                shape.splits(),
                0));
  }

  /** A single row from its sums of queries, keys and values on. */
  private void fused(AttentionShape shape) {
    int heads = shape.heads();
    int kvHeads = shape.kvHeads();
    int headSize = shape.headSize();
    cases.add(
        new KernelCase(
            "FusedAttention",
            shape.text() + " block " + shape.blockSize(),
            shape.bytes(),
            shape.operations(),
            () -> {
              AttentionShape.Arrays arrays = new AttentionShape.Arrays(shape, true);
              FloatArray frequencies = RandomArrays.floats(headSize / 2, 4, 0.1f);
              FloatArray qkv = RandomArrays.floats((heads + 2 * kvHeads) * headSize, 5, 1);
              arrays.rotate(qkv, frequencies);
              int last = shape.length() - 1;
              int block = arrays.tables.get(last / shape.blockSize());
              IntArray counts = IntArray.fromElements(1, 0, last);
              IntArray slots =
                  IntArray.fromElements(block * shape.blockSize() + last % shape.blockSize());
              return arrays
                  .storing()
                  .arrays(counts, qkv, slots, frequencies)
                  .launch(
                      FusedAttention.grid(heads),
                      (graph, id, _) ->
                          graph.task(
                              id,
                              FusedAttention::attendEarly,
                              context,
                              counts,
                              qkv,
                              slots,
                              frequencies,
                              arrays.keys,
                              arrays.values,
                              arrays.tables,
                              arrays.out,
                              heads,
                              kvHeads,
                              headSize,
                              shape.blockSize(),
                              headSize,
                              headSize / 2,
                              1.0f,
                              0,
                              shape.scale(),
                              0.0f));
            }));
  }

  /** One prompt in one chunk: half of its score matrix is computed. */
  private void chunk(
      String label, int tokens, int heads, int kvHeads, int headSize, int blockSize) {
    cases.add(
        new KernelCase(
            "ChunkAttention",
            label + " " + tokens,
            4.0 * tokens * (heads + kvHeads) * headSize,
            2.0 * tokens * tokens * heads * headSize,
            () -> {
              int queriesOfTile = ChunkTiles.queries(heads, kvHeads);
              int count = tokens / queriesOfTile;
              int groups = ChunkTiles.groups(count, heads, kvHeads);
              IntArray tiles = new IntArray(count * ChunkTiles.DESCRIPTOR);
              for (int t = 0; t < count; t++) {
                tiles.set(t * ChunkTiles.DESCRIPTOR, t * queriesOfTile);
                tiles.set(t * ChunkTiles.DESCRIPTOR + 1, queriesOfTile);
                tiles.set(t * ChunkTiles.DESCRIPTOR + 2, t * queriesOfTile);
              }
              AttentionShape shape =
                  new AttentionShape(label, 1, tokens, heads, kvHeads, headSize, blockSize, 1);
              AttentionShape.Arrays arrays = new AttentionShape.Arrays(shape, true);
              HalfFloatArray queries = RandomArrays.halves(tokens * heads * headSize, 1, 1);
              HalfFloatArray out = new HalfFloatArray(tokens * heads * headSize);
              FloatArray scratch = new FloatArray(groups * ChunkTiles.SCRATCH);
              IntArray counts = IntArray.fromElements(count);
              return new KernelWork(tokens)
                  .arrays(counts, tiles, queries, arrays.keys, arrays.values, arrays.tables)
                  .arrays(scratch, out)
                  .check(() -> arrays.chunkError(queries, out), out)
                  .repetitions(2)
                  .launch(
                      ChunkTiles.grid(groups),
                      (graph, id, _) ->
                          graph.task(
                              id,
                              ChunkAttention::attend,
                              context,
                              counts,
                              tiles,
                              queries,
                              arrays.keys,
                              arrays.values,
                              arrays.tables,
                              scratch,
                              out,
                              heads,
                              kvHeads,
                              headSize,
                              blockSize,
                              shape.tableWidth(),
                              groups,
                              0,
                              shape.scale(),
                              0.0f));
            }));
  }
}
