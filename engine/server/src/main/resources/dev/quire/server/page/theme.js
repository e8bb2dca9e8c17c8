// Light, dark, or as the system has it.

const KEY = "quire.theme";
const system = matchMedia("(prefers-color-scheme: dark)");

function apply(theme) {
  document.documentElement.style.colorScheme = theme === "system" ? "light dark" : theme;
}

/** Ties a select to the theme; `onChange` is called whenever the colours change. */
export function bind(select, onChange) {
  const kept = localStorage.getItem(KEY) ?? "system";
  select.value = ["light", "dark"].includes(kept) ? kept : "system";
  apply(select.value);
  select.addEventListener("change", () => {
    localStorage.setItem(KEY, select.value);
    apply(select.value);
    onChange();
  });
  system.addEventListener("change", onChange);
}

export function isDark() {
  const theme = document.documentElement.style.colorScheme;
  return theme === "dark" || (theme !== "light" && system.matches);
}
