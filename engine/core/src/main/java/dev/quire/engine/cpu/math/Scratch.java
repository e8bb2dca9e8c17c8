package dev.quire.engine.cpu.math;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Working memory of one worker, kept from call to call: arrays of at least the length asked for, of
 * any content.
 */
final class Scratch {
  private static final int LINE_SHORTS = WeightTiles.LINE / Short.BYTES;

  private byte[] bytes = {};
  private float[] weights = {};
  private float[] panel = {};
  private float[] results = {};
  private float[] totals = {};
  private @Nullable PlainWords plainWords;
  private MemorySegment totalsOutside = MemorySegment.NULL;
  private MemorySegment bytePanel = MemorySegment.NULL;
  private MemorySegment nibblePanel = MemorySegment.NULL;

  @SuppressWarnings("UnusedVariable")
  private int sunk;

  private final float[] scales = new float[WeightTiles.CHUNK / 16 * WeightTiles.ROWS];
  private final float[] blockSums =
      new float[WeightTiles.CHUNK / 32 * Arithmetic.TILE_ROWS * WeightTiles.ROWS];
  private final float[] minima = new float[WeightTiles.CHUNK / 16 * WeightTiles.ROWS];
  private final int[] wordSums = new int[WeightTiles.CHUNK / 32 * WeightTiles.ROWS];
  private final short[] shortSums =
      new short[WeightTiles.CHUNK / 16 * Arithmetic.QUAD * WeightTiles.ROWS];
  private final short[] shortPanel =
      new short[WeightTiles.CHUNK * WeightTiles.ROWS / 2 + LINE_SHORTS];
  private final short[] runSums =
      new short[WeightTiles.CHUNK / 16 * Arithmetic.QUAD * WeightTiles.ROWS + LINE_SHORTS];
  private final LineStart shortPanelStart = new LineStart(MemorySegment.ofArray(shortPanel));
  private final LineStart runSumsStart = new LineStart(MemorySegment.ofArray(runSums));
  private final ReadAhead ahead = new ReadAhead();
  private final int byteShift;
  private final float[] inputs = new float[WeightTiles.CHUNK];
  private final float[] groupSums = new float[Arithmetic.TILES_TOGETHER * WeightTiles.ROWS];
  private final float[] tileSums = new float[WeightTiles.ROWS];
  private final float[] tileWeights = new float[WeightTiles.ROWS];

  Scratch() {
    byteShift = Byte.SIZE;
  }

  /**
   * The bits of a byte, by a variable. There are no shifts of shorts by an immediate, and where C2
   * knows the count it makes the register with it anew for each, in the loop.
   */
  int byteShift() {
    return byteShift;
  }

  /** As {@link #byteShift}. */
  int nibbleShift() {
    return byteShift / 2;
  }

  /** An encoded row. */
  byte[] bytes(int length) {
    if (bytes.length < length) {
      bytes = new byte[length];
    }
    return bytes;
  }

  /** A decoded row. */
  float[] weights(int length) {
    if (weights.length < length) {
      weights = new float[length];
    }
    return weights;
  }

  /** A decoded chunk of a tile of weights. */
  float[] panel(int length) {
    if (panel.length < length) {
      panel = new float[length];
    }
    return panel;
  }

  /** A tile's 64 results for each of some input rows. */
  float[] results(int length) {
    if (results.length < length) {
      results = new float[length];
    }
    return results;
  }

  /** A tile's 64 results for each of some input rows, in the order that they come in. */
  float[] totals(int length) {
    if (totals.length < length) {
      totals = new float[length];
    }
    return totals;
  }

  /** The scales of a tile's chunk: at most one for sixteen inputs. */
  float[] scales() {
    return scales;
  }

  /** The minima of a tile's chunk. */
  float[] minima() {
    return minima;
  }

  /** Sums of eight rows over each block of a chunk. */
  float[] blockSums() {
    return blockSums;
  }

  /** Running sums of words: {@link Q8Tiles#sums}. */
  int[] wordSums() {
    return wordSums;
  }

  /** Sums of runs of inputs: {@link Q4Row#sums}. */
  short[] shortSums() {
    return shortSums;
  }

  /** Words of nibbles of a chunk, from {@link #shortPanelStart} on: {@link NibblePanel#lay}. */
  short[] shortPanel() {
    return shortPanel;
  }

  /** Address of a {@linkplain BytePanel panel}. */
  long bytePanel() {
    if (bytePanel.byteSize() == 0) {
      bytePanel = Arena.ofAuto().allocate(BytePanel.BYTES, WeightTiles.LINE);
    }
    return bytePanel.address();
  }

  /** Address of a {@linkplain NibbleTile panel}. */
  long nibblePanel() {
    if (nibblePanel.byteSize() == 0) {
      nibblePanel =
          Arena.ofAuto().allocate(NibbleTile.BYTES + NibbleTile.SUM_BYTES, WeightTiles.LINE);
    }
    return nibblePanel.address();
  }

  /** Address of the sums of a quad over it. */
  long nibbleSums() {
    return nibblePanel() + NibbleTile.BYTES;
  }

  /** As {@link #totals}, the address. */
  long totalsAddress(int length) {
    long size = (long) length * Float.BYTES;
    if (totalsOutside.byteSize() < size) {
      totalsOutside = Arena.ofAuto().allocate(size, WeightTiles.LINE);
    }
    return totalsOutside.address();
  }

  int shortPanelStart() {
    return shortPanelStart.bytes() / Short.BYTES;
  }

  /** Sums of runs of inputs of a quad of rows, from {@link #runSumsStart} on. */
  short[] runSums() {
    return runSums;
  }

  int runSumsStart() {
    return runSumsStart.bytes() / Short.BYTES;
  }

  /** Looks where the panels lie, since the garbage collector may have moved them. */
  void alignPanels() {
    shortPanelStart.look();
    runSumsStart.look();
  }

  /** Reading of weights before their turn. */
  ReadAhead ahead() {
    return ahead;
  }

  /** Loops for the time until others are compiled. */
  PlainWords plainWords() {
    PlainWords plain = plainWords;
    if (plain == null) {
      plain = new PlainWords();
      plainWords = plain;
    }
    return plain;
  }

  /** Uses a value for nothing. */
  void sink(int value) {
    sunk ^= value;
  }

  /** A chunk of activations: {@link ElementTiles#scaleInputs}. */
  float[] inputs() {
    return inputs;
  }

  /** Sums over a chunk of tiles that are multiplied together. */
  float[] groupSums() {
    return groupSums;
  }

  /** Sums of one row of a tile. */
  float[] tileSums() {
    return tileSums;
  }

  /** One input's weights of a tile. */
  float[] tileWeights() {
    return tileWeights;
  }

  /** Scratch for each worker of a team. */
  static Scratch[] forEachOf(WorkerTeam team) {
    Scratch[] scratch = new Scratch[team.size()];
    for (int i = 0; i < scratch.length; i++) {
      scratch[i] = new Scratch();
    }
    return scratch;
  }
}
