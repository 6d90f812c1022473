#include "audit/read/form.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <utility>
#include <vector>

#include "audit/paths.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

using enum Language;

constexpr std::pair<std::string_view, Language> kExtensions[] = {{"py", kPython},
                                                                 {"pyi", kPython},
                                                                 {"pyw", kPython},
                                                                 {"js", kJavaScript},
                                                                 {"mjs", kJavaScript},
                                                                 {"cjs", kJavaScript},
                                                                 {"jsx", kJavaScript},
                                                                 {"ts", kTypeScript},
                                                                 {"mts", kTypeScript},
                                                                 {"cts", kTypeScript},
                                                                 {"tsx", kTsx},
                                                                 {"vue", kVue},
                                                                 {"svelte", kSvelte},
                                                                 {"astro", kSvelte},
                                                                 {"go", kGo},
                                                                 {"java", kJava},
                                                                 {"kt", kKotlin},
                                                                 {"kts", kKotlin},
                                                                 {"scala", kKotlin},
                                                                 {"groovy", kKotlin},
                                                                 {"gradle", kKotlin},
                                                                 {"cs", kCSharp},
                                                                 {"razor", kRazor},
                                                                 {"cshtml", kRazor},
                                                                 {"rs", kRust},
                                                                 {"rb", kRuby},
                                                                 {"php", kPhp},
                                                                 {"swift", kSwift},
                                                                 {"c", kC},
                                                                 {"h", kC},
                                                                 {"cc", kC},
                                                                 {"cpp", kC},
                                                                 {"hpp", kC},
                                                                 {"dart", kSwift},
                                                                 {"ex", kRuby},
                                                                 {"exs", kRuby},
                                                                 {"lua", kOther},
                                                                 {"sh", kShell},
                                                                 {"bash", kShell},
                                                                 {"zsh", kShell},
                                                                 {"fish", kShell},
                                                                 {"bats", kShell},
                                                                 {"ps1", kPowerShell},
                                                                 {"psm1", kPowerShell},
                                                                 {"psd1", kPowerShell},
                                                                 {"sql", kSql},
                                                                 {"yml", kYaml},
                                                                 {"yaml", kYaml},
                                                                 {"tpl", kYaml},
                                                                 {"json", kJson},
                                                                 {"jsonc", kJson},
                                                                 {"json5", kJson},
                                                                 {"webmanifest", kJson},
                                                                 {"toml", kToml},
                                                                 {"ini", kIni},
                                                                 {"cfg", kIni},
                                                                 {"conf", kIni},
                                                                 {"properties", kProperties},
                                                                 {"xml", kXml},
                                                                 {"csproj", kXml},
                                                                 {"fsproj", kXml},
                                                                 {"props", kXml},
                                                                 {"targets", kXml},
                                                                 {"plist", kXml},
                                                                 {"html", kHtml},
                                                                 {"htm", kHtml},
                                                                 {"j2", kHtml},
                                                                 {"jinja", kHtml},
                                                                 {"jinja2", kHtml},
                                                                 {"css", kCss},
                                                                 {"scss", kCss},
                                                                 {"less", kCss},
                                                                 {"mk", kMakefile},
                                                                 {"service", kSystemd},
                                                                 {"timer", kSystemd},
                                                                 {"socket", kSystemd},
                                                                 {"md", kMarkdown},
                                                                 {"mdx", kMarkdown},
                                                                 {"markdown", kMarkdown},
                                                                 {"rst", kMarkdown},
                                                                 {"adoc", kMarkdown},
                                                                 {"org", kMarkdown},
                                                                 {"txt", kText},
                                                                 {"ipynb", kNotebook},
                                                                 {"bat", kPowerShell},
                                                                 {"cmd", kPowerShell},
                                                                 {"tf", kIni},
                                                                 {"hcl", kIni},
                                                                 {"bicep", kIni},
                                                                 {"graphql", kOther},
                                                                 {"proto", kC},
                                                                 {"env", kEnv}};

bool any_of(std::string_view text, std::span<const std::string_view> parts) {
    return std::any_of(parts.begin(), parts.end(), [&](std::string_view part) {
        return text.find(part) != std::string_view::npos;
    });
}

/// The folders of a path, cut once: they are asked for a hundred names.
class Folders {
public:
    /// In lower case and '/'-framed: "/src/app/llm.py".
    explicit Folders(std::string_view framed) : framed_(framed) {
        for (std::size_t begin = 1, end = 0; (end = framed.find('/', begin)) != framed.npos;
             begin = end + 1)
            parts_.push_back(framed.substr(begin, end - begin));
    }
    /// A folder of one of these names ("src/test": two, one in the other) anywhere in the path.
    bool any(std::initializer_list<std::string_view> names) const {
        return std::any_of(names.begin(), names.end(), [&](std::string_view name) {
            if (name.find('/') != name.npos)
                return framed_.find("/" + std::string(name) + "/") != framed_.npos;
            return std::find(parts_.begin(), parts_.end(), name) != parts_.end();
        });
    }

private:
    std::string_view framed_;
    std::vector<std::string_view> parts_;
};

std::string_view extension_of(std::string_view name) {
    const auto dot = name.rfind('.');
    return dot == std::string_view::npos ? std::string_view{} : name.substr(dot + 1);
}

Language language_of(std::string_view name, std::string_view extension, std::string_view head) {
    if (name.starts_with("dockerfile") || name.starts_with("containerfile") ||
        extension == "dockerfile")
        return kDockerfile;
    if (name == "makefile" || name == "gnumakefile" || name.starts_with("makefile.") ||
        name == "justfile" || name == ".justfile" || extension == "mk")
        return kMakefile;
    if (name == "caddyfile" || name.starts_with("caddyfile.")) return kCaddy;
    if (name == "jenkinsfile") return kKotlin;
    if (name == "procfile" || name == "modelfile") return kShell;
    if (name == "pipfile") return kToml;
    if (name == "go.mod" || name == "go.work") return kOther;
    if (name.starts_with(".env") || name.ends_with(".env") ||
        name.find(".env.") != std::string_view::npos || name == "env.example" ||
        name.starts_with("env.") || name.ends_with(".envrc") || name == "example.env")
        return kEnv;
    if (name.starts_with("requirements") && extension == "txt") return kRequirements;
    if (name.starts_with("constraints") && extension == "txt") return kRequirements;
    if (name == ".editorconfig" || name == ".gitconfig" || name == ".flake8" || name == ".npmrc")
        return kIni;
    if (name == ".bashrc" || name == ".zshrc" || name == ".profile" || name == ".bash_aliases")
        return kShell;
    if (name == ".gitignore" || name == ".dockerignore" || name == ".helmignore") return kOther;
    if (name == ".gitmodules") return kIni;
    if (name.starts_with("nginx") || (extension == "conf" || extension == "template" ||
                                      extension == "vhost" || extension == "tmpl")) {
        static constexpr std::string_view kSigns[] = {"proxy_pass", "upstream ", "server {",
                                                      "location "};
        if (any_of(head, kSigns)) return kNginx;
        if (name.starts_with("nginx") && extension != "yaml" && extension != "yml" &&
            extension != "md")
            return kNginx;
    }
    if (extension == "txt" && (name == "cmakelists.txt")) return kOther;
    for (const auto& [known, language] : kExtensions)
        if (extension == known) return language;
    if (name == "notes" || name.starts_with("readme") || name == "license" || name == "authors" ||
        name == "changelog" || name == "contributing" || name == "history" || name == "news")
        return kText;
    if (head.starts_with("#!")) {
        const auto line = head.substr(0, head.find('\n'));
        if (line.find("python") != std::string_view::npos) return kPython;
        if (line.find("node") != std::string_view::npos ||
            line.find("deno") != std::string_view::npos)
            return kJavaScript;
        if (line.find("pwsh") != std::string_view::npos) return kPowerShell;
        return kShell;
    }
    return kOther;
}

}  // namespace

bool is_code(Language language) {
    switch (language) {
        case kPython:
        case kJavaScript:
        case kTypeScript:
        case kTsx:
        case kVue:
        case kSvelte:
        case kGo:
        case kJava:
        case kKotlin:
        case kCSharp:
        case kRazor:
        case kRust:
        case kRuby:
        case kPhp:
        case kSwift:
        case kC: return true;
        case kShell:
        case kPowerShell:
        case kSql:
        case kYaml:
        case kJson:
        case kToml:
        case kIni:
        case kEnv:
        case kProperties:
        case kXml:
        case kHtml:
        case kCss:
        case kDockerfile:
        case kMakefile:
        case kNginx:
        case kCaddy:
        case kSystemd:
        case kMarkdown:
        case kText:
        case kNotebook:
        case kRequirements:
        case kOther: return false;
    }
    return false;
}

namespace {

std::string_view why_derived(std::string_view name, const Folders& folders, std::string_view head) {
    static constexpr std::string_view kLocks[] = {
        "package-lock.json", "npm-shrinkwrap.json", "yarn.lock",
        "pnpm-lock.yaml",    "poetry.lock",         "uv.lock",
        "pipfile.lock",      "cargo.lock",          "go.sum",
        "composer.lock",     "gemfile.lock",        "bun.lockb",
        "bun.lock",          "deno.lock",           "packages.lock.json",
        "chart.lock",        "gradle.lockfile",     "pdm.lock",
        "pixi.lock",         "requirements.lock",   "flake.lock",
        "conda-lock.yml"};
    if (std::find(std::begin(kLocks), std::end(kLocks), name) != std::end(kLocks))
        return "a lock file";
    if (name.ends_with(".map")) return "a source map";
    if (name.find(".min.") != std::string_view::npos) return "minified";
    if (name.find(".bundle.") != std::string_view::npos ||
        name.find(".chunk.") != std::string_view::npos)
        return "a bundle";
    if (folders.any({"node_modules", "vendor", "third_party", "third-party", "vendored",
                     "bower_components", "site-packages", ".venv", "venv", "charts/vendor"}))
        return "vendored";
    if (name == "lcov.info" || name == "coverage-final.json" ||
        (name.starts_with("coverage.") &&
         (name.ends_with(".xml") || name.ends_with(".html") || name.ends_with(".out") ||
          name.ends_with(".json") || name.ends_with(".txt"))) ||
        name.ends_with(".lcov") || head.starts_with("mode: set\n") ||
        head.starts_with("mode: count\n") || head.starts_with("mode: atomic\n"))
        return "a coverage report";
    const auto is = [&](std::initializer_list<std::string_view> endings) {
        return std::any_of(endings.begin(), endings.end(),
                           [&](std::string_view ending) { return name.ends_with(ending); });
    };
    // What tests kept of real traffic: it is recorded again, not edited.
    if (is({".httprr", ".har", ".snap"}) ||
        (folders.any({"cassettes", "vcr_cassettes", "__recordings__"}) &&
         is({".yaml", ".yml", ".json"})))
        return "a recording";
    if (folders.any({"dist", "_next/static", ".next", ".nuxt", ".output", "target/classes",
                     "coverage", "htmlcov", "storybook-static", "__generated__", "generated",
                     ".svelte-kit"}))
        return "built";
    const std::string top = to_lower(head.substr(0, 600));
    if (top.find("do not edit") != std::string::npos &&
        (top.find("generated") != std::string::npos ||
         top.find("autogenerated") != std::string::npos))
        return "generated";
    if (top.find("@generated") != std::string::npos) return "generated";
    if (top.find("this file is autogenerated") != std::string::npos ||
        top.find("autogenerated by pip-compile") != std::string::npos)
        return "generated";
    if (top.find("<meta name=\"generator\"") != std::string::npos) return "generated";
    return {};
}

bool looks_like_bundle(std::string_view name, std::string_view head) {
    if (!(name.ends_with(".js") || name.ends_with(".css") || name.ends_with(".mjs"))) return false;
    return head.size() > 5000 && head.substr(0, 5000).find('\n') == std::string_view::npos;
}

}  // namespace

std::string_view language_name(Language language) {
    static constexpr std::array kNames{
        "python",       "javascript", "typescript", "tsx",      "vue",        "svelte",
        "go",           "java",       "kotlin",     "csharp",   "razor",      "rust",
        "ruby",         "php",        "swift",      "c",        "shell",      "powershell",
        "sql",          "yaml",       "json",       "toml",     "ini",        "env",
        "properties",   "xml",        "html",       "css",      "dockerfile", "makefile",
        "nginx",        "caddy",      "systemd",    "markdown", "text",       "notebook",
        "requirements", "other"};
    return kNames[static_cast<std::size_t>(language)];
}

bool holds_script(Language language) {
    return language == Language::kJavaScript || language == Language::kTypeScript ||
           language == Language::kTsx || language == Language::kVue ||
           language == Language::kSvelte;
}

Language language_of(std::string_view path) {
    const std::string name = to_lower(base_name(path));
    return language_of(name, extension_of(name), {});
}

Form classify(std::string_view path, std::string_view head) {
    const std::string lower = to_lower(path);
    const std::string framed = "/" + lower;
    const Folders folders(framed);
    const auto name = base_name(lower);
    const auto extension = extension_of(name);
    const std::string_view stem = name.substr(0, name.rfind('.'));
    Form form;
    form.language = language_of(name, extension, head);
    form.code = is_code(form.language);
    form.derived_why = why_derived(name, folders, head);
    if (form.derived_why.empty() && looks_like_bundle(name, head)) form.derived_why = "a bundle";
    form.derived = !form.derived_why.empty();

    static constexpr std::string_view kHistory[] = {
        "changelog",     "changes",      "history",  "news",    "release_notes",
        "release-notes", "releasenotes", "releases", "whatsnew"};
    const bool prose = form.language == kMarkdown || form.language == kText;
    form.history =
        (prose || extension.empty()) &&
        std::any_of(std::begin(kHistory), std::end(kHistory), [&](std::string_view word) {
            return stem == word || stem.starts_with(std::string(word) + "-") ||
                   stem.starts_with(std::string(word) + "_") ||
                   stem.starts_with(std::string(word) + ".");
        });
    if (prose && folders.any({"release-notes", "release_notes", "changelog", "changelogs",
                              "releases", ".changeset", "changes", "news"}))
        form.history = true;
    // What a program wrote down while it ran.
    if (extension == "log" ||
        ((extension == "jsonl" || extension == "ndjson" || extension == "csv") &&
         folders.any({"log", "logs", "runs", "results", "outputs", "reports"})))
        form.history = true;
    form.migration = folders.any({"migrations", "alembic/versions", "migrate", "db/migration",
                                  "flyway", "upgrades"}) &&
                     (form.code || form.language == kSql);
    form.doc = prose && !form.history;
    if (form.language == kHtml && folders.any({"docs", "doc"})) form.doc = true;
    form.test =
        folders.any({"test", "tests", "__tests__", "spec", "e2e", "testing", "cypress", "__mocks__",
                     "fixtures", "testdata", "test-utils", "src/test", "mocks"}) ||
        name.starts_with("test_") || stem.ends_with("_test") || stem.ends_with(".test") ||
        stem.ends_with(".spec") || stem.ends_with("_spec") || name == "conftest.py" ||
        stem.ends_with("tests") ||
        (stem.ends_with("test") &&
         (extension == "java" || extension == "cs" || extension == "kt")) ||
        stem.ends_with(".stories");
    form.ci = framed.find("/.github/workflows/") != std::string::npos ||
              framed.find("/.github/actions/") != std::string::npos ||
              framed.find("/.circleci/") != std::string::npos ||
              framed.find("/.gitlab/") != std::string::npos ||
              framed.find("/.buildkite/") != std::string::npos ||
              framed.find("/.woodpecker") != std::string::npos ||
              name.find("gitlab-ci") != std::string_view::npos ||
              name.starts_with("azure-pipelines") || name == "bitbucket-pipelines.yml" ||
              name == ".drone.yml" || name == ".travis.yml" || name == "jenkinsfile" ||
              name == "action.yml" || name == "action.yaml" || name == "cloudbuild.yaml" ||
              name == "appveyor.yml" || name == "earthfile";
    if (form.language == kYaml) {
        const bool named =
            name.find("compose") != std::string_view::npos || name.starts_with("docker-stack");
        const bool shaped =
            head.find("\nservices:") != std::string_view::npos || head.starts_with("services:");
        form.compose =
            !form.ci && (named || (shaped && head.find("image:") != std::string_view::npos));
        const bool chart = framed.find("/templates/") != std::string::npos &&
                           head.find("{{") != std::string_view::npos;
        form.kubernetes =
            !form.compose && !form.ci &&
            (chart || extension == "tpl" || name.starts_with("kustomization") ||
             (head.find("apiVersion:") != std::string_view::npos &&
              head.find("kind:") != std::string_view::npos) ||
             (name.starts_with("values") &&
              folders.any({"helm", "chart", "charts", "deploy", "k8s", "kubernetes"})) ||
             name == "helmfile.yaml" || name == "skaffold.yaml" ||
             folders.any({"k8s", "kubernetes", "kustomize", "helm", "charts"}));
    }
    static constexpr std::string_view kManifests[] = {"package.json",
                                                      "pyproject.toml",
                                                      "pipfile",
                                                      "setup.py",
                                                      "setup.cfg",
                                                      "environment.yml",
                                                      "environment.yaml",
                                                      "cargo.toml",
                                                      "go.mod",
                                                      "pom.xml",
                                                      "build.gradle",
                                                      "build.gradle.kts",
                                                      "chart.yaml",
                                                      "directory.packages.props",
                                                      "packages.config",
                                                      "deno.json",
                                                      "deno.jsonc",
                                                      "gemfile",
                                                      "composer.json",
                                                      "conda.yaml",
                                                      "libs.versions.toml",
                                                      "settings.gradle",
                                                      "pubspec.yaml",
                                                      "mix.exs",
                                                      "bower.json",
                                                      "requirements.in",
                                                      "pixi.toml"};
    // Any script may be called setup.py.
    const bool packs = name != "setup.py" || head.empty() ||
                       head.find("setuptools") != std::string_view::npos ||
                       head.find("distutils") != std::string_view::npos ||
                       head.find("setup(") != std::string_view::npos;
    form.manifest = form.language == kRequirements || extension == "csproj" ||
                    extension == "fsproj" ||
                    (extension == "in" && name.starts_with("requirements")) ||
                    (folders.any({"requirements"}) && (extension == "txt" || extension == "in")) ||
                    (packs && std::find(std::begin(kManifests), std::end(kManifests), name) !=
                                  std::end(kManifests));
    if (form.manifest && extension == "txt") {
        form.language = kRequirements;
        form.doc = false;
    }
    if (form.manifest && extension == "in") form.language = kRequirements;
    form.proxy = form.language == kNginx || form.language == kCaddy ||
                 (name.find("traefik") != std::string_view::npos &&
                  (form.language == kYaml || form.language == kToml)) ||
                 name == "haproxy.cfg" || name == "envoy.yaml";
    form.texts =
        folders.any(
            {"locales", "locale", "i18n", "lang", "langs", "translations", "messages", "l10n"}) &&
        (form.language == kJson || form.language == kYaml || form.language == kProperties ||
         form.code || form.language == kToml || extension == "po");
    if (extension == "po" || extension == "pot") form.texts = true;
    if (name.starts_with("messages") && form.language == kProperties) form.texts = true;
    form.gitignore = name == ".gitignore" || name == ".dockerignore" || name == ".helmignore" ||
                     name == ".npmignore" || name == ".eslintignore" || name == ".prettierignore";
    return form;
}

}  // namespace segue::audit
