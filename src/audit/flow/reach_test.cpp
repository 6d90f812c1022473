#include "audit/flow/reach.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <set>
#include <string>
#include <utility>

#include "audit/scan.hpp"

namespace segue::audit {
namespace {

class ReachTest : public testing::Test {
protected:
    void add(std::string path, std::string text) {
        auto& file = parsed_.emplace_back();
        file.source = Source(std::move(path), std::move(text));
        cut(file);
        FlowFile flow;
        flow.parsed = &file;
        flow.index = parsed_.size() - 1;
        *flow.script = file.source.text();
        flow.language = file.source.form().language;
        flow.speaks = Surroundings(file).speaks_ollama();
        world_.add(std::move(flow));
    }
    std::set<std::string> more() {
        std::set<std::string> out;
        for (const auto file : reach_.more())
            out.insert(world_.files[file].parsed->source.path());
        return out;
    }

    Model model_;
    World world_{model_};
    Reach reach_{world_, 1};
    std::deque<ParsedFile> parsed_;  // the world points to them
};

using Paths = std::set<std::string>;

TEST_F(ReachTest, WhatBeginsAFlowIsToldByTheText) {
    add("a.ts", "const x = ollama.chat({})\n");
    add("b.ts", "const port = 11434\n");
    add("c.ts", "const model = 'llama3.2:3b'\n");
    add("d.go", "package d\n");  // its imports cannot be told from the text
    add("e.ts", "fetch('/api/chat')\n");
    add("f.ts", "const shape = 'name:latest'; const note = 'not llama3.2:3b, but another'\n");
    add("j.py", "# ask ollama\ndef f():\n    \"\"\"Not only Ollama.\"\"\"\n");
    add("k.py", "def f():\n    \"\"\"http://ollama:11434\"\"\"\n");
    add("g.tsx", "const a = <p>llama2 of /api/chat</p>\n");  // the tree tells that it is text
    add("h.py", "MODEL = \"\"\"qwen3:8b\"\"\"\n");
    add("i.py", "options = {'num_ctx': 1}\n");
    EXPECT_EQ(more(), (Paths{"a.ts", "b.ts", "c.ts", "d.go", "g.tsx", "h.py", "i.py", "k.py"}));
    EXPECT_EQ(more(), Paths{});
}

TEST_F(ReachTest, ALearnedNameBeginsAFlow) {
    model_.learned["LLM_URL"] = {};
    add("a.ts", "fetch(env.LLM_URL + '/api/chat')\n");
    add("b.ts", "fetch(env.API_URL + '/api/chat')\n");
    EXPECT_EQ(more(), Paths{"a.ts"});
}

TEST_F(ReachTest, ImportsLeadOnInBothDirections) {
    add("app/llm.ts", "export const client = ollama\n");
    add("app/send.ts", "import {\n  client,\n} from './llm.js'\nclient.post('/api/chat')\n");
    add("app/page.vue.ts", "const { send } = await import(`@/app/send`)\n");
    add("app/other.ts", "import { x } from './llms'\nconst kind = 'llm'; use('./llm')\n");
    add("app/lazy.ts", "import(/* a name */ './llm').then(\n  use)\n");
    add("app/late.ts", "require(\n  // so that it loads late\n  './llm')\n");
    add("lib/main.ts", "import { ask } from './helper'\nask(ollama)\n");
    add("lib/helper.ts", "export const ask = (c) => c.post('/api/chat')\n");
    EXPECT_EQ(more(), (Paths{"app/llm.ts", "app/send.ts", "app/page.vue.ts", "app/lazy.ts",
                             "app/late.ts", "lib/main.ts", "lib/helper.ts"}));
}

TEST_F(ReachTest, ImportsOfPythonAreFoundHoweverTheyAreWritten) {
    add("app/__init__.py", "client = ollama\n");
    add("app/llm.py", "URL = 'http://x:11434'\n");
    add("app/a.py", "from .llm import URL\n");
    add("app/b.py", "from . import (\n    base,  # of all\n    llm as server,\n)\n");
    add("app/c.py", "def f():\n    import app.llm as m; m.URL\n");
    add("app/d.py", "from app \\\n    import llm\n");
    add("app/e.py", "llm = importlib.import_module('app.llm')\n");
    add("app/f.py", "from .base import llm\n");
    add("other/g.py", "from .llm import URL\n");
    EXPECT_EQ(more(), (Paths{"app/__init__.py", "app/llm.py", "app/a.py", "app/b.py", "app/c.py",
                             "app/d.py", "app/e.py"}));
}

TEST_F(ReachTest, FilesThatComeLaterReachThoseThatWereLeft) {
    add("lib/helper.ts", "export const ask = (c) => c.post('/api/chat')\n");
    EXPECT_EQ(more(), Paths{});
    add("lib/main.ts", "import { ask } from './helper'\nask(ollama)\n");
    EXPECT_EQ(more(), (Paths{"lib/helper.ts", "lib/main.ts"}));
}

}  // namespace
}  // namespace segue::audit
