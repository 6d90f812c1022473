// SEG150-156, 160-161, 170-172: what is no reference to change, and what the audit says of itself.
// These judge no token: src/audit/judge.cpp and audit.cpp make them.
#include "audit/rules/rule.hpp"

namespace segue::audit {
namespace {
std::optional<Claim> silent(const View&) {
    return std::nullopt;
}
}  // namespace

const Rule kNoteRules[] = {
    {150, "derived", Level::kNote, false,
     "a lock, minified, generated or vendored file that holds the word",
     "It is made from a source; an edit would be lost.", "Change the source and regenerate it.",
     silent},
    {151, "history", Level::kNote, false, "history: a changelog, release notes or an old migration",
     "It tells what was true then.", "Leave it.", silent},
    {152, "own_name", Level::kNote, false, "this project's own name",
     "The project is called so; that is no dependency.",
     "Leave it, or rename the project on purpose.", silent},
    {153, "data_name", Level::kNote, false, "a database, schema or role name",
     "Renaming it loses data.", "Leave it, or migrate the data on purpose.", silent},
    {156, "look_alike", Level::kNote, false,
     "the letters in another name, or a page of somebody else (only with --all)",
     "A reader may ask why the line was left alone.", "Leave it.", silent},
    {160, "not_read", Level::kWarning, false, "a file that could not be read",
     "Nothing can be said of it.", "Make it readable, or leave it out on purpose.", silent},
    {161, "grammar_failed", Level::kNote, false,
     "the grammar did not understand a part of the file; the line reader was used",
     "Values are not followed there.", "Look at the part that is named.", silent},
    {170, "suppression_incomplete", Level::kWarning, false,
     "a suppression without a reason or an owner", "Nobody can tell later why it was allowed.",
     "Write: segue: allow SEG103 reason text until 2027-03-31 owner @name.", silent},
    {171, "suppression_expired", Level::kWarning, false, "a suppression that has expired",
     "What was allowed for a time is still there.",
     "Remove the reference, or extend it with a new reason.", silent},
    {172, "suppression_unused", Level::kWarning, false, "a suppression that suppresses nothing",
     "It will hide the next reference that comes there.", "Remove it.", silent},
};

std::span<const Rule> note_rules() {
    return kNoteRules;
}

}  // namespace segue::audit
