package uk.ac.manchester.tornado.api.enums;

/** When an array travels between host and device. */
public class DataTransferMode {
  /** Once, when the graph runs first. */
  public static final int FIRST_EXECUTION = 0;

  /** Whenever the graph runs. */
  public static final int EVERY_EXECUTION = 1;

  /** Not by itself: only when asked for. */
  public static final int UNDER_DEMAND = 2;
}
