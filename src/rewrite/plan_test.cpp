// Every before tree of tests/rewrite/pairs, in memory: what comes out is compared with the after
// trees by tests/rewrite; here the same code runs where the sanitizers look.
#include "rewrite/plan.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace segue::rewrite {
namespace {

namespace fs = std::filesystem;

std::vector<InputFile> read_tree(const fs::path& folder) {
    std::vector<InputFile> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (!entry.is_regular_file()) continue;
        std::ifstream in(entry.path(), std::ios::binary);
        InputFile file;
        file.path = fs::relative(entry.path(), folder).generic_string();
        file.bytes.assign(std::istreambuf_iterator<char>(in), {});
        files.push_back(std::move(file));
    }
    std::sort(files.begin(), files.end(),
              [](const InputFile& a, const InputFile& b) { return a.path < b.path; });
    return files;
}

std::vector<InputFile> changed_tree(std::vector<InputFile> files, const Plan& made) {
    for (const auto& changed : made.files) {
        std::erase_if(files, [&](const InputFile& file) { return file.path == changed.old_path; });
        if (!changed.new_path.empty())
            files.push_back({changed.new_path, changed.after, changed.mode, changed.outside_git});
    }
    return files;
}

TEST(Plan, EveryTreeIsChangedOnceAndThenNoMore) {
    std::size_t trees = 0;
    std::size_t changes = 0;
    for (const auto& pair :
         fs::directory_iterator(fs::path(SEGUE_SOURCE_DIR) / "tests/rewrite/pairs")) {
        if (!fs::is_directory(pair.path() / "before")) continue;
        ++trees;
        const auto before = read_tree(pair.path() / "before");
        for (const Step step : {Step::kDropIn, Step::kDual, Step::kFinal}) {
            Settings settings;
            settings.step = step;
            const auto made = plan(before, {}, settings);
            changes += made.files.size();
            const auto again = plan(changed_tree(before, made), {}, settings);
            EXPECT_TRUE(again.files.empty())
                << pair.path().filename() << " to " << step_name(step) << ": "
                << (again.files.empty() ? "" : again.files.front().new_path);
        }
    }
    EXPECT_GE(trees, 40U);
    EXPECT_GT(changes, trees);
}

}  // namespace
}  // namespace segue::rewrite
