/// For tests: the recorded answers of real engines (tests/data/wire).
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

namespace segue::llm::testing {

struct Recording {
    std::string id;
    std::string path;
    std::string request;
    int status = 0;
    std::string content_type;
    std::string body;
};

/// `file` with its path: SEGUE_SOURCE_DIR "/tests/data/wire/…".
inline std::vector<Recording> recordings(const std::string& file) {
    std::vector<Recording> all;
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
        const auto json = nlohmann::json::parse(line);
        Recording one;
        one.id = json["id"];
        one.path = json["request"]["path"];
        const auto& body = json["request"]["body"];
        one.request = body.is_string() ? body.get<std::string>() : body.dump();
        one.status = json["status"];
        for (const auto& header : json["headers"]) {
            std::string name = header[0];
            for (char& c : name)
                c = static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
            if (name == "content-type") one.content_type = header[1];
        }
        for (const auto& chunk : json["chunks"])
            one.body += chunk[1].get<std::string>();
        all.push_back(std::move(one));
    }
    return all;
}

inline Recording recording(const std::string& file, const std::string& id) {
    for (auto& one : recordings(file)) {
        if (one.id == id) return one;
    }
    return {};
}

}  // namespace segue::llm::testing
