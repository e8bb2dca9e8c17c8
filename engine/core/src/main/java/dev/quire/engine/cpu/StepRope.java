package dev.quire.engine.cpu;

import dev.quire.engine.cpu.math.Rope;
import dev.quire.engine.cpu.math.WorkerTeam;
import dev.quire.engine.exec.StepBatch;
import dev.quire.engine.model.RopeSpec;

/**
 * A rotary embedding over the tokens of a step: sines and cosines are the same for every layer and
 * head, so they are computed once. Which frequencies hold may depend on a sequence's length.
 */
final class StepRope {
  private final Rope usual;
  private final Rope stretched;
  private final int stretchedBeyond;

  // Of the present step: a row of sines and cosines for each token.
  private float[] table = {};
  private StepBatch batch = new StepBatch();
  private Rope rope;
  private int first;
  private final WorkerTeam.ItemTask fillRow = (i, _) -> fillRow(first + i);

  StepRope(RopeSpec spec) {
    this.stretchedBeyond = spec.stretchedBeyond();
    this.usual = rope(spec, stretchedBeyond);
    this.rope = usual;
    this.stretched = stretchedBeyond == 0 ? usual : rope(spec, stretchedBeyond + 1);
  }

  private static Rope rope(RopeSpec spec, int length) {
    return new Rope(
        spec.frequencies(length),
        spec.magnitude(),
        switch (spec.layout()) {
          case INTERLEAVED -> Rope.Pairing.NEIGHBOURS;
          case HALVES -> Rope.Pairing.HALVES;
        });
  }

  /** Takes up a step. */
  void fill(StepBatch step, RowLoop rows) {
    batch = step;
    table = RowLoop.grown(table, (long) batch.numTokens * usual.tableSize());
    if (stretchedBeyond == 0) {
      fill(usual, 0, batch.numTokens, rows);
      return;
    }
    for (int s = 0; s < batch.numSequences; s++) {
      boolean beyond = batch.knownLength(s) > stretchedBeyond;
      fill(beyond ? stretched : usual, batch.queryStart[s], batch.queryStart[s + 1], rows);
    }
  }

  private void fill(Rope by, int from, int to, RowLoop rows) {
    rope = by;
    first = from;
    rows.forEach(to - from, fillRow);
  }

  private void fillRow(int row) {
    rope.fillTable(batch.positions[row], table, row * rope.tableSize());
  }

  /** Turns the heads of one token in place; its row in the step says where it stands. */
  void rotate(float[] x, int offset, int heads, int headSize, int row) {
    usual.rotate(x, offset, heads, headSize, table, row * usual.tableSize());
  }
}
