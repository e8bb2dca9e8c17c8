package dev.quire.tornado.tests;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.ClassModel;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import uk.ac.manchester.tornado.api.KernelContext;

/**
 * Compares our part of TornadoVM's API with the SDK's own jar. Both ways: what we have must be
 * there, by name, descriptor and kind; what the SDK's classes have besides must be what {@code
 * not-carried.txt} lists, so that an SDK's new or changed member shows too.
 */
class ContractTest {
  private static final String API = "uk/ac/manchester/tornado/api/";
  private static final int VISIBLE = ClassFile.ACC_PUBLIC | ClassFile.ACC_PROTECTED;
  private static final int KIND = ClassFile.ACC_INTERFACE | ClassFile.ACC_ENUM;

  private Map<String, Set<String>> ours = Map.of();
  private Map<String, Set<String>> theirs = Map.of();

  @BeforeEach
  void readsBoth() throws IOException, URISyntaxException {
    String home = System.getenv("TORNADOVM_HOME");
    assumeThat(home).as("TORNADOVM_HOME: no SDK to compare with").isNotNull();
    ours =
        classes(
            Path.of(
                KernelContext.class.getProtectionDomain().getCodeSource().getLocation().toURI()));
    Path jar;
    try (Stream<Path> jars = Files.list(Path.of(home, "share/java/tornado"))) {
      jar =
          jars.filter(file -> file.getFileName().toString().matches("tornado-api-.*\\.jar"))
              .findFirst()
              .orElseThrow();
    }
    try (FileSystem zip = FileSystems.newFileSystem(jar)) {
      theirs = classes(zip.getPath("/"));
    }
  }

  private static Map<String, Set<String>> classes(Path root) throws IOException {
    Map<String, Set<String>> classes = new TreeMap<>();
    try (Stream<Path> files = Files.walk(root.resolve(API))) {
      List<Path> found =
          files
              .filter(file -> file.toString().endsWith(".class"))
              .filter(file -> !file.endsWith("package-info.class"))
              .toList();
      for (Path file : found) {
        ClassModel model = ClassFile.of().parse(Files.readAllBytes(file));
        if ((model.flags().flagsMask() & VISIBLE) != 0) {
          classes.put(model.thisClass().asInternalName().substring(API.length()), members(model));
        }
      }
    }
    return classes;
  }

  private static Set<String> members(ClassModel model) {
    Set<String> members = new TreeSet<>();
    members.add("kind " + (model.flags().flagsMask() & KIND));
    model.fields().stream()
        .filter(field -> (field.flags().flagsMask() & VISIBLE) != 0)
        .map(
            field ->
                kind(field.flags().flagsMask())
                    + field.fieldName().stringValue()
                    + " "
                    + field.fieldType().stringValue())
        .forEach(members::add);
    model.methods().stream()
        .filter(method -> (method.flags().flagsMask() & VISIBLE) != 0)
        .filter(method -> (method.flags().flagsMask() & ClassFile.ACC_SYNTHETIC) == 0)
        .map(
            method ->
                kind(method.flags().flagsMask())
                    + method.methodName().stringValue()
                    + method.methodType().stringValue())
        .forEach(members::add);
    return members;
  }

  private static String kind(int flags) {
    return (flags & ClassFile.ACC_STATIC) != 0 ? "static " : "";
  }

  @Test
  void everyMemberOfOursIsTheSdks() {
    assertThat(ours).hasSizeGreaterThan(40);
    assertThat(theirs.keySet()).containsAll(ours.keySet());
    Set<String> unknown = new TreeSet<>();
    ours.forEach((name, members) -> unknown.addAll(beyond(name, members, theirs)));
    assertThat(unknown).isEmpty();
  }

  @Test
  void theSdksOtherMembersAreThoseWeKnow() throws IOException {
    Set<String> missing = new TreeSet<>();
    theirs.forEach(
        (name, members) -> {
          if (ours.containsKey(name)) {
            missing.addAll(beyond(name, members, ours));
          }
        });
    assertThat(missing).isEqualTo(notCarried());
  }

  private static Set<String> beyond(
      String name, Set<String> members, Map<String, Set<String>> others) {
    Set<String> beyond = new TreeSet<>();
    Set<String> known = others.getOrDefault(name, new TreeSet<>());
    for (String member : members) {
      if (!known.contains(member)) {
        beyond.add(name + " " + member);
      }
    }
    return beyond;
  }

  private static Set<String> notCarried() throws IOException {
    try (InputStream list =
        Objects.requireNonNull(ContractTest.class.getResourceAsStream("not-carried.txt"))) {
      return new TreeSet<>(
          new String(list.readAllBytes(), StandardCharsets.UTF_8).lines().toList());
    }
  }
}
