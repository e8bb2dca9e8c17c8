package uk.ac.manchester.tornado.api;

import org.jspecify.annotations.Nullable;

/** How many work items run a task, and in groups of what shape. */
public interface WorkerGrid {
  /** 1, 2 or 3. */
  int dimension();

  /** Work items in x, y and z. */
  long[] getGlobalWork();

  /** Work items of one group in x, y and z; null leaves the choice to the device. */
  long @Nullable [] getLocalWork();

  /** Groups in x, y and z; null while no local work is set. */
  long @Nullable [] getNumberOfWorkgroups();

  /** What is added to the global indices. */
  long[] getGlobalOffset();

  /** Sets the work items. */
  void setGlobalWork(long x, long y, long z);

  /** Sets the work items of a group. */
  void setLocalWork(long x, long y, long z);

  /** Forgets the groups. */
  void setNumberOfWorkgroupsToNull();

  /** Leaves the shape of a group to the device. */
  void setLocalWorkToNull();

  /** Sets what is added to the global indices. */
  void setGlobalOffset(long x, long y, long z);
}
