/// What a file is, told from its path and its first bytes: the language, and the part that it plays
/// in a repository (test, documentation, history, deployment). Pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace segue::audit {

enum class Language : std::uint8_t {
    kPython,
    kJavaScript,
    kTypeScript,
    kTsx,
    kVue,
    kSvelte,
    kGo,
    kJava,
    kKotlin,
    kCSharp,
    kRazor,
    kRust,
    kRuby,
    kPhp,
    kSwift,
    kC,
    kShell,
    kPowerShell,
    kSql,
    kYaml,
    kJson,
    kToml,
    kIni,
    kEnv,
    kProperties,
    kXml,
    kHtml,
    kCss,
    kDockerfile,
    kMakefile,
    kNginx,
    kCaddy,
    kSystemd,
    kMarkdown,
    kText,
    kNotebook,
    kRequirements,
    kOther
};

/// The parts that decide a token's kind.
struct Form {
    Language language = Language::kOther;
    bool code = false;  // a programming language
    bool test = false;
    bool doc = false;      // prose for people
    bool history = false;  // changelog, release notes
    bool derived = false;  // lock, minified, generated, vendored
    std::string_view derived_why;
    bool ci = false;
    bool compose = false;
    bool kubernetes = false;  // manifests, kustomize, Helm charts
    bool manifest = false;    // declares packages
    bool proxy = false;       // nginx, Caddy, Traefik
    bool texts = false;       // interface texts (i18n)
    bool gitignore = false;
    bool migration = false;  // a database migration by version
};

std::string_view language_name(Language language);
/// Of a program, that others may import.
bool is_code(Language language);
/// By the name of the file alone; cheap enough for every file of a tree.
Language language_of(std::string_view path);
/// JavaScript, TypeScript, and pages that hold them.
bool holds_script(Language language);
/// `head` is the beginning of the file (a few KiB are enough).
Form classify(std::string_view path, std::string_view head);

}  // namespace segue::audit
