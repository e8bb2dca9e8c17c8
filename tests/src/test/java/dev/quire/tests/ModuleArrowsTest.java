package dev.quire.tests;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.simpleName;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;

/** The arrows of docs/architecture.md, as rules over the compiled classes. */
@AnalyzeClasses(packages = "dev.quire", importOptions = ImportOption.DoNotIncludeTests.class)
final class ModuleArrowsTest {
  private static final String[] MODULES = {
    "dev.quire.paging..",
    "dev.quire.tokenizer..",
    "dev.quire.weights..",
    "dev.quire.tornado..",
    "dev.quire.kernels..",
    "dev.quire.engine..",
    "dev.quire.server..",
    "dev.quire.cli..",
    "dev.quire.bench.."
  };

  @ArchTest static final ArchRule pagingKnowsNothingOfOurs = dependsOnlyOn("dev.quire.paging..");

  @ArchTest
  static final ArchRule tokenizerKnowsNothingOfOurs = dependsOnlyOn("dev.quire.tokenizer..");

  @ArchTest static final ArchRule weightsKnowNothingOfOurs = dependsOnlyOn("dev.quire.weights..");

  @ArchTest
  static final ArchRule theTornadoApiOnTheJvmKnowsNothingOfOurs =
      dependsOnlyOn("dev.quire.tornado..");

  @ArchTest
  static final ArchRule kernelsKnowOnlyTornado =
      dependsOnlyOn("dev.quire.kernels..", "dev.quire.tornado..");

  @ArchTest
  static final ArchRule engineKnowsOnlyTheLibrariesBelowIt =
      dependsOnlyOn(
          "dev.quire.engine..",
          "dev.quire.paging..",
          "dev.quire.tokenizer..",
          "dev.quire.weights..",
          "dev.quire.kernels..",
          "dev.quire.tornado..");

  @ArchTest
  static final ArchRule serverUsesTheEngineButNotItsInside =
      noClasses()
          .that()
          .resideInAPackage("dev.quire.server..")
          .should()
          .dependOnClassesThat(
              resideInAnyPackage("dev.quire.paging..", "dev.quire.cli..", "dev.quire.bench..")
                  // What the engine's figures are made of.
                  .and(
                      not(
                          simpleName("KvUsage")
                              .or(simpleName("BlockMap"))
                              .or(simpleName("BlockDetail")))));

  @ArchTest
  static final ArchRule nothingDependsOnTheCommandLine =
      noClasses()
          .that()
          .resideOutsideOfPackage("dev.quire.cli..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("dev.quire.cli..");

  @ArchTest
  static final ArchRule schedulerAndExecutorMeetOnlyInTheStep =
      noClasses()
          .that()
          .resideInAPackage("dev.quire.engine.cpu..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "dev.quire.engine.schedule..", "dev.quire.engine.sample..", "dev.quire.paging..");

  /** Classes of the first package may use, of ours, only the packages named. */
  private static ArchRule dependsOnlyOn(String own, String... others) {
    var allowed = new HashSet<>(List.of(others));
    allowed.add(own);
    String[] forbidden =
        Arrays.stream(MODULES).filter(m -> !allowed.contains(m)).toArray(String[]::new);
    return noClasses()
        .that()
        .resideInAPackage(own)
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(forbidden)
        .allowEmptyShould(true);
  }
}
