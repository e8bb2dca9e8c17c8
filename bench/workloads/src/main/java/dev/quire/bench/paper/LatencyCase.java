package dev.quire.bench.paper;

/** The six parts of Figure 12: a model, a workload, the paper's rates, and why ours are others. */
@SuppressWarnings("ImmutableEnumChecker") // records, and an array that nobody writes into
enum LatencyCase {
  SHARE_GPT_13B(
      ServedModel.OPT_13B,
      Trace.SHARE_GPT,
      "All ratios are within the paper's range over its models (1.7 to 2.7 times Oracle, 2.7 to 8"
          + " times Max).",
      0.5,
      0.75,
      1.1,
      1.9),
  SHARE_GPT_66B(
      ServedModel.OPT_66B,
      Trace.SHARE_GPT,
      "Over Oracle more than the paper's 2.7: 9 557 slots hold at most four reservations of the"
          + " longest sequences, and the buddy allocator's rounding up costs a small memory most."
          + " The paper's own rates for this model, read off its plot, give 1.5.",
      0.2,
      0.4,
      0.65,
      0.95),
  SHARE_GPT_175B(
      ServedModel.OPT_175B,
      Trace.SHARE_GPT,
      "Below the paper's ranges, as are its own rates for this model read off its plot (1.3 over"
          + " Oracle, 2.4 over Max): 264 GB hold so many sequences that reading their keys and"
          + " values takes a step as long as reading the weights, and more sequences gain less.",
      1,
      1.5,
      1.8,
      2.4),
  ALPACA_13B(
      ServedModel.OPT_13B,
      Trace.ALPACA,
      "Max sustains less than the paper's because its seven sequences need steps of 17 ms for 7"
          + " requests a second, which is OPT-13B's weights read at the GPU's full bandwidth; the"
          + " model of a step has 60 % of it and 5 ms of host.",
      7,
      13,
      20,
      28),
  ALPACA_66B(
      ServedModel.OPT_66B,
      Trace.ALPACA,
      "As for OPT-13B: Max, with four sequences at once, cannot reach the paper's rate in a step"
          + " that reads the weights at less than the full bandwidth.",
      5,
      9,
      13,
      18),
  ALPACA_175B(
      ServedModel.OPT_175B,
      Trace.ALPACA,
      "60 074 slots hold a thousand Alpaca-like sequences; 256 run at once, as in the paper's"
          + " system, so that memory limits neither Oracle nor Quire and both sustain the same. The"
          + " last row is the experiment in which up to 2048 run at once.",
      6,
      13,
      16,
      20);

  private static final String SOURCE =
      "The paper's rates are read off its plots; over FasterTransformer it says up to 22 times. ";

  private final ServedModel model;
  private final Trace trace;
  private final String remark;
  private final double[] knees;

  /**
   * @param knees the paper's rates of Max, Pow2, Oracle and vLLM
   */
  LatencyCase(ServedModel model, Trace trace, String remark, double... knees) {
    this.model = model;
    this.trace = trace;
    this.remark = remark;
    this.knees = knees;
  }

  ServedModel model() {
    return model;
  }

  Trace trace() {
    return trace;
  }

  double knee(int system) {
    return knees[system];
  }

  String remark() {
    return SOURCE + remark;
  }
}
