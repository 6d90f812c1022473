/// A native request in Python: keyword arguments of a client's call, or a dictionary that becomes
/// the JSON body. Edits it into OpenAI's request; says why when it cannot.
#pragma once

#include "rewrite/python/python.hpp"

namespace segue::rewrite::python {

class Request {
public:
    Request(const File& file, Group& group) : file_(file), group_(group) {}

    /// `client.chat(model, messages, options={…})`
    bool call(Node arguments, Endpoint endpoint);
    /// `{"model": …, "messages": …, "options": {…}}`
    bool body(Node dictionary, Endpoint endpoint, bool must_stream);

    /// dual: `model=…` goes through this function.
    void model_through(std::string function) { model_through_ = std::move(function); }
    bool streams() const { return streams_; }
    const std::string& why() const { return why_; }
    std::size_t where() const { return where_; }

private:
    struct Part {
        Node whole;
        std::string name;
        Node value;
        bool positional = false;
    };
    bool parts(std::vector<Part>& parts, Endpoint endpoint, bool as_call, bool must_stream);
    bool options(Node value, std::vector<std::string>& plain, std::vector<std::string>& extra,
                 bool as_call);
    std::string pair(std::string_view name, std::string_view value, bool as_call) const;
    void replace(const Part& part, const std::vector<std::string>& texts);
    Node resolve(Node value) const;
    bool fail(Node at, std::string why);

    const File& file_;
    Group& group_;
    bool streams_ = false;
    std::string model_through_;
    char quote_ = '"';
    std::string why_;
    std::size_t where_ = 0;
};

}  // namespace segue::rewrite::python
