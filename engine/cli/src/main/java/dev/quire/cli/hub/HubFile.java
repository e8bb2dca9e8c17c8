package dev.quire.cli.hub;

import org.jspecify.annotations.Nullable;

/**
 * A file of a repository.
 *
 * @param name its path there
 * @param size in bytes; −1 where the hub does not say
 * @param sha256 of its content, for files kept outside of git
 * @param gitHash git's name of its content, for the others
 */
record HubFile(String name, long size, @Nullable String sha256, @Nullable String gitHash) {
  /** What the cache folder calls its content. */
  String blobName() {
    if (sha256 != null) {
      return sha256;
    }
    return gitHash != null ? gitHash : name.replace('/', '_');
  }
}
