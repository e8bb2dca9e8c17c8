package dev.quire.engine.cpu;

import dev.quire.engine.cpu.math.Arithmetic;
import dev.quire.engine.cpu.math.MatMul;
import dev.quire.engine.cpu.math.WorkerTeam;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The feed-forward part of a layer over the rows of a step; owns what it needs in between. */
final class FeedForwardPass {
  private final RowLoop rows;
  private final MatMul matMul;
  private final Arithmetic arithmetic;
  private final int hidden;

  private float[] gate = {};
  private float[] up = {};
  private float[] router = {};
  private float[] gathered = {};
  private float[] part = {};
  private float[] weights = {};
  private int[] chosen = {};
  private int[] members = {};
  private int[] memberPlaces = {};

  // The network under way, for the team.
  private CpuFeedForward.@Nullable Dense current;
  private final float[][] products = new float[2][];
  private final List<float[]> gateUp = Arrays.asList(products);
  private final WorkerTeam.ItemTask activateRow = (row, _) -> activateRow(row);

  FeedForwardPass(WorkerTeam team, MatMul matMul, Arithmetic arithmetic, int hidden) {
    this.rows = new RowLoop(team);
    this.matMul = matMul;
    this.arithmetic = arithmetic;
    this.hidden = hidden;
  }

  /**
   * @param x {@code [n × hidden]}
   * @param out {@code [n × hidden]}, overwritten; not {@code x}
   */
  void run(CpuFeedForward feedForward, float[] x, int n, float[] out) {
    switch (feedForward) {
      case CpuFeedForward.Dense dense -> dense(dense, x, n, out);
      case CpuFeedForward.Experts experts -> experts(experts, x, n, out);
    }
  }

  private void dense(CpuFeedForward.Dense dense, float[] x, int n, float[] out) {
    int inner = dense.innerSize();
    gate = RowLoop.grown(gate, (long) n * inner);
    up = RowLoop.grown(up, (long) n * inner);
    products[0] = gate;
    products[1] = up;
    matMul.multiplyAll(dense.gateUp(), x, n, gateUp);
    current = dense;
    rows.forEach(n, activateRow);
    matMul.multiply(dense.down(), gate, n, out);
    float[] bias = dense.weights().down().bias();
    if (bias != null) {
      for (int row = 0; row < n; row++) {
        RowLoop.addBias(out, row * hidden, bias);
      }
    }
  }

  private void activateRow(int row) {
    CpuFeedForward.Dense dense = current;
    if (dense == null) {
      throw new IllegalStateException("no network under way");
    }
    int inner = dense.innerSize();
    int at = row * inner;
    RowLoop.addBias(gate, at, dense.weights().gate().bias());
    RowLoop.addBias(up, at, dense.weights().up().bias());
    arithmetic.activateAndMultiply(dense.activation(), gate, at, up, at, inner);
  }

  /**
   * Expert by expert in ascending order, each over the rows that chose it: so a row's sum has an
   * order of its own, whatever the batch.
   */
  private void experts(CpuFeedForward.Experts experts, float[] x, int n, float[] out) {
    route(experts, x, n);
    int used = experts.spec().used();
    gathered = RowLoop.grown(gathered, (long) n * hidden);
    part = RowLoop.grown(part, (long) n * hidden);
    if (members.length < n) {
      members = new int[n];
      memberPlaces = new int[n];
    }
    Arrays.fill(out, 0, n * hidden, 0);
    for (int e = 0; e < experts.networks().size(); e++) {
      int count = 0;
      for (int i = 0; i < n * used; i++) {
        if (chosen[i] == e) {
          members[count] = i / used;
          memberPlaces[count] = i;
          System.arraycopy(x, i / used * hidden, gathered, count++ * hidden, hidden);
        }
      }
      if (count > 0) {
        dense(experts.networks().get(e), gathered, count, part);
        for (int m = 0; m < count; m++) {
          addScaled(out, members[m] * hidden, part, m * hidden, weights[memberPlaces[m]]);
        }
      }
    }
    CpuFeedForward.Dense shared = experts.shared();
    if (shared != null) {
      dense(shared, x, n, part);
      if (experts.sharedGate() != null) {
        matMul.multiply(experts.sharedGate(), x, n, router);
      } else {
        Arrays.fill(router, 0, n, Float.POSITIVE_INFINITY);
      }
      for (int row = 0; row < n; row++) {
        float share = (float) (1 / (1 + Math.exp(-router[row])));
        addScaled(out, row * hidden, part, row * hidden, share);
      }
    }
  }

  private void addScaled(float[] out, int outAt, float[] x, int at, float factor) {
    for (int i = 0; i < hidden; i++) {
      out[outAt + i] += factor * x[at + i];
    }
  }

  /** Fills {@link #chosen} and {@link #weights}, {@code [n × used]}, by the router's softmax. */
  private void route(CpuFeedForward.Experts experts, float[] x, int n) {
    int count = experts.spec().count();
    int used = experts.spec().used();
    router = RowLoop.grown(router, (long) n * count);
    weights = RowLoop.grown(weights, (long) n * used);
    if (chosen.length < n * used) {
      chosen = new int[n * used];
    }
    matMul.multiply(experts.router(), x, n, router);
    for (int row = 0; row < n; row++) {
      softmax(router, row * count, count);
      float total = 0;
      for (int u = 0; u < used; u++) {
        int best = row * count;
        for (int e = row * count + 1; e < (row + 1) * count; e++) {
          if (router[e] > router[best]) {
            best = e;
          }
        }
        chosen[row * used + u] = best - row * count;
        weights[row * used + u] = router[best];
        total += router[best];
        router[best] = Float.NEGATIVE_INFINITY;
      }
      if (experts.spec().normalised()) {
        for (int u = 0; u < used; u++) {
          weights[row * used + u] /= total;
        }
      }
    }
  }

  private static void softmax(float[] x, int offset, int n) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      max = Math.max(max, x[offset + i]);
    }
    float total = 0;
    for (int i = 0; i < n; i++) {
      x[offset + i] = (float) Math.exp(x[offset + i] - max);
      total += x[offset + i];
    }
    for (int i = 0; i < n; i++) {
      x[offset + i] /= total;
    }
  }
}
