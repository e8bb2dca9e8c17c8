package dev.quire.tests.clients;

import static org.assertj.core.api.Assertions.assertThat;

import dev.quire.engine.EngineOptions;
import dev.quire.engine.SamplingParams;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.openqa.selenium.By;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.Keys;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.support.ui.Select;
import org.openqa.selenium.support.ui.WebDriverWait;

/**
 * The page in headless Chromium. Screenshots go to {@code tests/target/screenshots}; with the
 * system property {@code quire.screenshots} they go to that folder.
 */
class PageTest {
  private static ServedModel served;
  private static ChromeDriver browser;

  @BeforeAll
  static void start() {
    Path chromium = Tools.require("chromium");
    Path driver = Tools.require("chromedriver");
    served =
        new ServedModel(
            EngineOptions.builder().numKvBlocks(320),
            ServedModel.options(List.of()).withBlockTexts(true));
    ChromeOptions options = new ChromeOptions();
    options.setBinary(chromium.toString());
    options.addArguments(
        "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu");
    ChromeDriverService service =
        new ChromeDriverService.Builder().usingDriverExecutable(driver.toFile()).build();
    browser = new ChromeDriver(service, options);
    browser.manage().window().setSize(new Dimension(1280, 1040));
  }

  @AfterAll
  static void stop() {
    if (browser != null) {
      browser.quit();
    }
    if (served != null) {
      served.close();
    }
  }

  private static WebElement find(String id) {
    return browser.findElement(By.id(id));
  }

  private static void waitFor(java.util.function.BooleanSupplier condition) {
    new WebDriverWait(browser, Duration.ofSeconds(30), Duration.ofMillis(50))
        .withMessage(() -> "the page says: " + status() + "; answers: " + answers().size())
        .until(_ -> condition.getAsBoolean());
  }

  /**
   * Asks, each time in a new chat and with another seed, until an answer lasts long enough to be
   * seen in the block map: some end after a word, and some hold no word at all.
   */
  private static void sendAndWatch(String text) {
    var seen = new AtomicLong();
    for (int attempt = 0; attempt < 20 && seen.get() <= 0; attempt++) {
      find("new").click();
      set("seed", String.valueOf(attempt));
      send(text);
      waitFor(
          () -> {
            seen.set(used());
            return seen.get() > 0 || !find("stop").isEnabled();
          });
    }
    assertThat(seen.get()).as("blocks seen in use; the page says: %s", status()).isPositive();
  }

  private static String status() {
    return find("status").getText();
  }

  private static List<WebElement> answers() {
    return browser.findElements(By.cssSelector(".message.assistant .body"));
  }

  private static void set(String id, String value) {
    browser.executeScript(
        "const e = document.getElementById(arguments[0]); e.value = arguments[1];"
            + " e.dispatchEvent(new Event('change'));",
        id,
        value);
  }

  private static void send(String text) {
    find("prompt").sendKeys(text);
    find("send").click();
  }

  private static long used() {
    String used = find("blocks").getDomAttribute("data-used");
    return used == null ? -1 : Long.parseLong(used);
  }

  private static void shoot(String name) throws IOException {
    String folder = System.getProperty("quire.screenshots");
    Path target =
        folder == null ? Tools.root().resolve("tests/target/screenshots") : Path.of(folder);
    Files.createDirectories(target);
    Files.write(target.resolve(name), browser.getScreenshotAs(OutputType.BYTES));
  }

  @Test
  void chatsStopsRegeneratesAndShowsItsBlocks() throws IOException {
    browser.get(served.url() + "/");
    waitFor(() -> find("model").getText().contains(ServedModel.NAME));
    waitFor(() -> used() == 0);

    set("max_tokens", "60");
    send("Good morrow, cousin.");
    waitFor(() -> !answers().isEmpty() && !find("stop").isEnabled());
    String first = answers().getLast().getText();
    assertThat(first).isNotBlank();
    assertThat(status()).contains("tokens in");

    set("seed", "11");
    find("again").click();
    waitFor(() -> !find("stop").isEnabled() && status().contains("tokens in"));
    assertThat(answers()).hasSize(1);

    set("max_tokens", "1500");
    set("temperature", "1.5");
    sendAndWatch("Speak at length of love and war.");
    shoot("page-light.png");
    if (find("stop").isEnabled()) {
      find("stop").click();
    }
    waitFor(() -> !find("stop").isEnabled());
    waitFor(() -> used() == 0);
    assertThat(served.engine.stats().runningSequences()).isZero();

    browser.executeCdpCommand(
        "Emulation.setEmulatedMedia",
        Map.of("features", List.of(Map.of("name", "prefers-color-scheme", "value", "dark"))));
    sendAndWatch("And once more.");
    shoot("page-dark.png");
    find("new").click();
    waitFor(() -> answers().isEmpty() && !find("stop").isEnabled());
    assertThat(browser.findElements(By.cssSelector("#history option"))).hasSizeGreaterThan(1);
  }

  /** The number of a block that several sequences refer to, as the page's own server tells. */
  private static long sharedBlock() {
    Object block =
        browser.executeAsyncScript(
            """
            const done = arguments[arguments.length - 1];
            fetch("/quire/cache").then((r) => r.json())
              .then((s) => done(s.references.findIndex((n) => n > 1)));
            """);
    return block instanceof Number number ? number.longValue() : -1;
  }

  @Test
  void severalAnswersShareTheirPromptsBlocks() throws Exception {
    browser.get(served.url() + "/");
    waitFor(() -> find("model").getText().contains(ServedModel.NAME));
    find("new").click();
    set("max_tokens", "400");
    set("temperature", "1.2");
    set("n", "4");
    set("system", "You are a player upon a stage, and speak in verse alone. ".repeat(3));
    // The same conversation once more and without end, as an answer may be over too soon to be
    // seen.
    var over = new AtomicBoolean();
    Thread holder = Thread.ofVirtual().start(() -> keepSharing(over));
    send("Speak of love, and of war.");
    waitFor(() -> sharedBlock() >= 0);
    choose(sharedBlock());
    waitFor(() -> find("inspector").getText().contains("shared by"));
    assertThat(browser.findElements(By.cssSelector("#inspector .tokens span"))).hasSize(16);
    waitFor(() -> browser.findElements(By.cssSelector(".answer")).size() == 4);
    shoot("page-answers.png");
    over.set(true);
    holder.join();
    if (find("stop").isEnabled()) {
      find("stop").click();
    }
    waitFor(() -> !find("stop").isEnabled());
    WebElement third =
        browser.findElements(By.cssSelector(".answer")).get(2).findElement(By.className("keep"));
    browser.executeScript("arguments[0].click()", third);
    assertThat(
            browser
                .findElements(By.cssSelector(".answer"))
                .get(2)
                .findElement(By.className("keep"))
                .getDomAttribute("aria-pressed"))
        .isEqualTo("true");
    set("n", "1");
    set("system", "");
  }

  private static void keepSharing(AtomicBoolean over) {
    SamplingParams four =
        SamplingParams.builder().n(4).ignoreEos(true).maxTokens(300).seed(3L).build();
    while (!over.get()) {
      served.engine.generate("Speak of love, and of war, in verse alone. ".repeat(4), four);
    }
  }

  /** Goes to a block as one does who uses no pointer: to the first, and on with the arrow keys. */
  private static void choose(long block) {
    WebElement map = find("blocks");
    map.sendKeys(Keys.ARROW_RIGHT);
    for (long i = 0; i < block; i++) {
      map.sendKeys(Keys.ARROW_RIGHT);
    }
  }

  @Test
  void coloursFollowTheUsersWish() {
    browser.get(served.url() + "/");
    String before = background();
    for (String theme : List.of("light", "dark")) {
      new Select(find("theme")).selectByValue(theme);
      browser.navigate().refresh();
      assertThat(find("theme").getDomProperty("value")).isEqualTo(theme);
    }
    String dark = background();
    new Select(find("theme")).selectByValue("light");
    assertThat(background()).isNotEqualTo(dark);
    new Select(find("theme")).selectByValue("system");
    assertThat(background()).isIn(before, dark);
  }

  private static String background() {
    return String.valueOf(
        browser.executeScript("return getComputedStyle(document.body).backgroundColor"));
  }

  @Test
  void everyControlHasAName() {
    browser.get(served.url() + "/");
    Object nameless =
        browser.executeScript(
            """
            return [...document.querySelectorAll("button, input, select, textarea, canvas")]
              .filter((e) => !(e.labels?.length || e.getAttribute("aria-label") || e.textContent.trim()))
              .map((e) => e.outerHTML);
            """);
    assertThat((List<?>) nameless).isEmpty();
  }

  @Test
  void whatAModelWritesIsTextNotMarkup() {
    browser.get(served.url() + "/");
    Object html =
        browser.executeAsyncScript(
            """
            const done = arguments[arguments.length - 1];
            import("/page/markdown.js").then(({ render }) => {
              const parent = document.createElement("div");
              render("# T\\n<img src=x onerror=alert(1)> **b** `c`\\n\\n- one\\n- two\\n\\n```\\nx < y\\n```", parent);
              done(parent.innerHTML);
            });
            """);
    assertThat(String.valueOf(html))
        .contains("&lt;img src=x", "<strong>b</strong>", "<code>c</code>", "<li>two</li>")
        .contains("<pre><code>x &lt; y</code></pre>")
        .doesNotContain("<img");
  }
}
