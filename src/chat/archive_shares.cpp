#include <string>

#include "base/ids.hpp"
#include "chat/archive.hpp"
#include "chat/archive_rows.hpp"

namespace segue::chat {

Result<Share> Archive::share(const Person& person, std::string_view conversation,
                             const std::optional<std::vector<std::string>>& people) {
    SEGUE_TRY(changed, pool_.execute(
                           "UPDATE conversation SET share_token = coalesce(share_token, $3), "
                           "share_people = $4::text[], shared = coalesce(shared, now()) WHERE id = "
                           "$1 AND person = $2",
                           conversation, person.id, random_alphanumeric(32), people));
    if (changed == 0) return no_conversation();
    SEGUE_TRY(whole, find(person, conversation));
    if (!whole.share) return fail(Fault::kConflict, "it was unshared at the same time", "chat");
    return *whole.share;
}

Result<void> Archive::unshare(const Person& person, std::string_view conversation) {
    SEGUE_TRY(
        changed,
        pool_.execute("UPDATE conversation SET share_token = NULL, share_people = NULL, shared "
                      "= NULL WHERE id = $1 AND person = $2",
                      conversation, person.id));
    if (changed == 0) return no_conversation();
    return {};
}

Result<Shared> Archive::shared(const Person& person, std::string_view token) {
    SEGUE_TRY(row,
              pool_.one<std::string, std::string, std::string, WallTime, std::int64_t, std::string>(
                  "SELECT c.id, c.title, coalesce(nullif(p.full_name, ''), p.name), c.created, "
                  "c.person, p.role FROM conversation c JOIN person p ON p.id = c.person WHERE "
                  "c.share_token = $1 AND (c.person = $2 OR c.share_people IS NULL OR $3 = ANY "
                  "(c.share_people))",
                  token, person.id, std::to_string(person.id)));
    if (!row) return fail(Fault::kNotFound, "nothing is shared under this link (any more)", "chat");
    Shared out;
    out.title = std::get<1>(*row);
    out.owner = std::get<2>(*row);
    out.created = std::get<3>(*row);
    const Person owner{std::get<4>(*row), out.owner, std::get<5>(*row)};
    SEGUE_TRY(shown, branch(owner, std::get<0>(*row), "", "", 1000));
    out.messages = std::move(shown.messages);
    for (auto& message : out.messages)
        message.feedback.reset();  // is between its writer and the makers
    return out;
}

Result<std::vector<Preset>> Archive::presets(const Person& person) {
    SEGUE_TRY(rows, pool_.query<std::string, std::string, std::string, bool, std::int64_t>(
                        "SELECT id, name, text, shared, person FROM preset WHERE person = $1 OR "
                        "shared ORDER BY shared, name, id",
                        person.id));
    std::vector<Preset> out;
    for (auto& [id, name, text, shared, owner] : rows)
        out.push_back(
            {std::move(id), std::move(name), std::move(text), shared, owner == person.id});
    return out;
}

Result<Preset> Archive::add_preset(const Person& person, std::string_view name,
                                   std::string_view text, bool shared) {
    Preset preset{random_alphanumeric(20), std::string(name), std::string(text), shared, true};
    SEGUE_TRY_VOID(pool_.execute(
        "INSERT INTO preset (id, person, name, text, shared) VALUES ($1, $2, $3, $4, $5) ON "
        "CONFLICT DO NOTHING",
        preset.id, person.id, preset.name, preset.text, shared));
    return preset;
}

Result<Preset> Archive::remove_preset(const Person& person, std::string_view id, bool any_shared) {
    SEGUE_TRY(row, (pool_.one<std::string, std::string, bool, std::int64_t>(
                       "DELETE FROM preset WHERE id = $1 AND (person = $2 OR (shared AND "
                       "$3::boolean)) RETURNING name, text, shared, person",
                       id, person.id, any_shared)));
    if (!row) return fail(Fault::kNotFound, "there is no such preset of yours", "chat");
    auto& [name, text, shared, owner] = *row;
    return Preset{std::string(id), std::move(name), std::move(text), shared, owner == person.id};
}

}  // namespace segue::chat
