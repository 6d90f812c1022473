#include <gtest/gtest.h>
#include <stdlib.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "audit/audit.hpp"

namespace segue::audit {
namespace {

class Importers : public testing::Test {
protected:
    Importers() {
        char name[] = "/tmp/segue-importers-XXXXXX";
        folder_ = ::mkdtemp(name);
    }
    ~Importers() override { std::filesystem::remove_all(folder_); }

    void write(const std::string& name, const std::string& text) const {
        const std::filesystem::path path = folder_ + "/" + name;
        std::filesystem::create_directories(path.parent_path());
        std::ofstream(path, std::ios::binary) << text;
    }
    Report look() const {
        Options options;
        options.paths = {folder_};
        auto report = audit(options);
        EXPECT_TRUE(report) << (report ? "" : report.error().detail);
        return report ? std::move(*report) : Report{};
    }
    static bool finds(const Report& report, std::string_view path) {
        return std::any_of(report.findings.begin(), report.findings.end(),
                           [&](const Finding& finding) { return finding.path == path; });
    }

    std::string folder_;
};

// The word stands in lib/llm.ts only.
TEST_F(Importers, AClientIsFollowedThroughAFileThatExportsItAgain) {
    write(
        "lib/llm.ts",
        "import { Ollama } from 'ollama'\nexport const llm = new Ollama({ host: 'http://gpu' })\n");
    write("lib/index.ts", "export * from './llm'\n");
    write("app/page.ts",
          "import { llm } from '../lib'\n"
          "const r = await llm.chat({ model: 'm', messages: [] })\n"
          "console.log(r.message.content, r.eval_count)\n");
    const auto report = look();
    EXPECT_TRUE(finds(report, "app/page.ts"));
    EXPECT_EQ(report.stats.parsed, 3U);
}

TEST_F(Importers, AModuleOfTheSameNameIsNotMistakenForIt) {
    write("chat/client.py", "import ollama\nclient = ollama.Client('http://gpu')\n");
    write("chat/ask.py",
          "from .client import client\nprint(client.chat(model='m')['message']['content'])\n");
    write("shop/client.py", "client = object()\n");
    write("shop/order.py", "from .client import client\nprint(client)\n");
    const auto report = look();
    EXPECT_TRUE(finds(report, "chat/ask.py"));
    EXPECT_FALSE(finds(report, "shop/order.py"));
    EXPECT_EQ(report.stats.parsed, 2U) << "shop/ is not worth a parse";
}

TEST_F(Importers, WhatIsLearnedLateReachesFilesThatWerePassedEarlier) {
    // In the order of their names each file needs what the next one gives.
    write("alpha.py", "from beta import ask\nprint(ask()['message']['content'])\n");
    write("beta.py", "from gamma import client\ndef ask():\n    return client.chat(model='m')\n");
    write("gamma.py", "from delta import make\nclient = make()\n");
    write("delta.py", "import ollama\ndef make():\n    return ollama.Client()\n");
    const auto report = look();
    for (const char* path : {"alpha.py", "beta.py", "delta.py"})
        EXPECT_TRUE(finds(report, path)) << path;
}

TEST_F(Importers, WhoKeepsAClientToItselfLeadsNoFurther) {
    write("base/llm.py", "import ollama\nllm = ollama.Client('http://gpu')\n");
    write("base/titles.py",
          "def store(text):\n    from .llm import llm\n    llm.chat(model='m', "
          "messages=[{'content': text}])\n");
    write("base/pages.py", "from .titles import store\nstore('llm')\n");
    const auto report = look();
    EXPECT_TRUE(finds(report, "base/titles.py"));
    EXPECT_EQ(report.stats.parsed, 2U) << "pages.py gets nothing of it";
}

TEST_F(Importers, AClientIsFollowedOverManyModules) {
    write("llm0.ts", "import { Ollama } from 'ollama'\nexport const llm = new Ollama()\n");
    for (int i = 1; i < 9; ++i)
        write("llm" + std::to_string(i) + ".ts",
              "export { llm } from './llm" + std::to_string(i - 1) + "'\n");
    write("page.ts",
          "import { llm } from './llm8'\nconst r = await llm.chat({ model: 'm', messages: [] })\n");
    EXPECT_TRUE(finds(look(), "page.ts"));
}

}  // namespace
}  // namespace segue::audit
