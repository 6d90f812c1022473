#include "audit/read/imports.hpp"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace segue::audit
