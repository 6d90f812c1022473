#include "audit/read/imports.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "audit/read/segments.hpp"

namespace segue::audit {
namespace {

using Modules = std::vector<std::string>;

std::optional<Modules> modules_of(std::string path, std::string text) {
    ParsedFile file;
    file.source = Source(std::move(path), std::move(text));
    return imported_modules(file);
}

TEST(Imports, PythonNamesModulesAndWhatMayBeOne) {
    EXPECT_EQ(modules_of("a.py", "import os.path as p, app.llm\n"),
              (Modules{"os.path", "app.llm"}));
    EXPECT_EQ(modules_of("a.py", "    from app import llm as l, config  # why\n"),
              (Modules{"app", "app.llm", "app.config"}));
    EXPECT_EQ(modules_of("a.py", "from . import (llm,\n    other)\n"), (Modules{".", ".llm"}));
    EXPECT_EQ(modules_of("a.py", "from ..core.llm import ask\n"),
              (Modules{"..core.llm", "..core.llm.ask"}));
    EXPECT_EQ(modules_of("a.py", "x = 'import'\nfromage = 1\nfrom nowhere\nimport\n"), Modules{});
}

TEST(Imports, ScriptsNameThemInQuotes) {
    EXPECT_EQ(modules_of("a.ts", "import { a } from './llm'\nexport * from \"@/lib\"\n"),
              (Modules{"./llm", "@/lib"}));
    EXPECT_EQ(modules_of("a.js", "const a = require('./a'), b = await import(`./b`)\n"),
              (Modules{"./a", "./b"}));
    EXPECT_EQ(modules_of("a.vue", "<script>\nimport {\n  a,\n} from './c'\n</script>\n"),
              (Modules{"./c"}));
    EXPECT_EQ(modules_of("a.ts", "const s = 'no module'\nimport 'unfinished\n"), Modules{});
    EXPECT_EQ(modules_of("a.ts", "import" + std::string(5000, ' ') + "'./far'\n"), Modules{});
}

TEST(Imports, OtherLanguagesNameNoFiles) {
    for (const char* path : {"a.go", "A.java", "A.cs", "a.rs", "a.yaml"})
        EXPECT_EQ(modules_of(path, "import \"x/llm\"\n"), std::nullopt) << path;
}

TEST(Imports, ImportersAreToldAsTheirNamesAre) {
    const std::vector<std::string> modules{"llm", "chat-client", "base"};
    const Importers importers(modules);
    for (const auto& [path, text] : std::vector<std::pair<std::string, std::string>>{
             {"a.py", "from app.LLM import ask\n"},
             {"a.py", "import llms, my_llm, llm2\nx = llm\n"},
             {"a.py", "llm\nimport os\nllm\n"},
             {"a.py", "\n\nimport os, llm"},
             {"a.ts", "const a = require('./chat-client')\n"},
             {"a.ts", "const chat-client = 1\nimport x from './chat'\n"},
             {"a.ts", "a(llm, base)\nb(llm)\nexport { c } from './base'\n"},
             {"a.js", "import a from 'llm-base'\n" + std::string(100, 'x') + "llm\n"},
             {"a.go", "package a\nvar b = base.New()\n"},
             {"A.java", "class A { Llm2 b; }\n"},
             {"a.py", ""}}) {
        ParsedFile file;
        file.source = Source(path, text);
        const auto names = imported_names(file);
        const bool expected =
            std::any_of(modules.begin(), modules.end(),
                        [&](const std::string& module) { return names.contains(module); });
        EXPECT_EQ(importers.name_one(text, file.source.form().language), expected) << text;
    }
}

}  // namespace
}  // namespace segue::audit
