package uk.ac.manchester.tornado.api.enums;

/** Rows, columns and depth of one matrix instruction of a warp. */
public enum MMAShape {
  /** 16×8 results, depth 16: halves and brain floats. */
  M16N8K16("m16n8k16"),
  /** 16×8 results, depth 32: bytes. */
  M16N8K32("m16n8k32");

  private final String ptxName;

  MMAShape(String ptxName) {
    this.ptxName = ptxName;
  }

  /** The shape as PTX spells it. */
  public String getPtxName() {
    return ptxName;
  }
}
