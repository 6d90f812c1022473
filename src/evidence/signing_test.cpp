#include "evidence/signing.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <filesystem>

#include "base/files.hpp"
#include "base/text.hpp"

namespace segue::evidence {
namespace {

std::string unhex(std::string_view hex) {
    std::string out;
    for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
        out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
    return out;
}

class Folder {
public:
    Folder() {
        char name[] = "/tmp/segue-signing-XXXXXX";
        path_ = ::mkdtemp(name);
    }
    ~Folder() { std::filesystem::remove_all(path_); }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

// RFC 8032, section 7.1, tests 1 to 3.
TEST(Signing, VectorsOfTheRfc) {
    struct Row {
        std::string_view seed, key, message, signature;
    };
    for (const Row& row :
         {Row{"9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
              "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "",
              "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e"
              "39701cf9b46b"
              "d25bf5f0595bbe24655141438e7a100b"},
          Row{"4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
              "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72",
              "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f"
              "3613d0f11d8c"
              "387b2eaeb4302aeeb00d291612bb0c00"},
          Row{"c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
              "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82",
              "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67"
              "f760984dc659"
              "4a7c15e9716ed28dc027beceea1ec40a"}}) {
        const auto key = SigningKey::from_seed(unhex(row.seed));
        ASSERT_TRUE(key);
        EXPECT_EQ(key->public_key().text(), "ed25519:" + base64_encode(unhex(row.key)));
        const auto signature = key->sign(unhex(row.message));
        ASSERT_TRUE(signature);
        EXPECT_EQ(*signature, unhex(row.signature));
        EXPECT_TRUE(key->public_key().verifies(unhex(row.message), *signature));
    }
}

TEST(Signing, EachBitOfMessageAndSignatureCounts) {
    const auto key = SigningKey::generate();
    ASSERT_TRUE(key);
    const std::string message = "no reference remains";
    const auto signature = key->sign(message);
    ASSERT_TRUE(signature);
    for (std::size_t i = 0; i < message.size(); ++i) {
        std::string other = message;
        other[i] = static_cast<char>(other[i] ^ 1);
        EXPECT_FALSE(key->public_key().verifies(other, *signature));
    }
    for (std::size_t i = 0; i < signature->size(); ++i) {
        std::string other = *signature;
        other[i] = static_cast<char>(other[i] ^ 1);
        EXPECT_FALSE(key->public_key().verifies(message, other));
    }
    EXPECT_FALSE(key->public_key().verifies(message, signature->substr(1)));
    const auto stranger = SigningKey::generate();
    ASSERT_TRUE(stranger);
    EXPECT_FALSE(stranger->public_key().verifies(message, *signature));
}

TEST(Signing, PublicKeysAsText) {
    const auto key = SigningKey::generate();
    ASSERT_TRUE(key);
    const auto read = PublicKey::parse(" " + key->public_key().text() + "\n");
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, key->public_key());
    EXPECT_EQ(read->id().size(), 16U);
    for (const std::string_view wrong :
         {"", "ed25519:", "ed25519:AAAA", "rsa:AAAA", "ed25519:????"})
        EXPECT_FALSE(PublicKey::parse(wrong)) << wrong;
}

TEST(Signing, KeysAreKeptForTheirOwnerAlone) {
    const Folder folder;
    const SigningKeys keys(folder.path() + "/data");
    EXPECT_TRUE(keys.list().value().empty());
    const auto none = keys.open("");
    ASSERT_FALSE(none);
    EXPECT_NE(none.error().detail.find("segue keys signing create"), std::string::npos);

    const FakeClock clock;
    const auto first = keys.create("release", clock.wall());
    ASSERT_TRUE(first) << first.error().detail;
    const auto second = keys.create("nightly", clock.wall() + std::chrono::seconds(1));
    ASSERT_TRUE(second);
    const std::string path = keys.folder() + "/" + first->id + ".json";
    struct stat facts {};
    ASSERT_EQ(::stat(path.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U);

    ASSERT_EQ(keys.list().value().size(), 2U);
    EXPECT_EQ(keys.open("")->facts.name, "nightly");  // the newest
    EXPECT_EQ(keys.open("release")->key.public_key(), first->key);
    EXPECT_EQ(keys.open(first->id)->facts.name, "release");
    EXPECT_EQ(keys.open("nobody").error().fault, Fault::kNotFound);
    EXPECT_EQ(keys.create("release", clock.wall()).error().fault, Fault::kConflict);
    EXPECT_EQ(keys.create("a\nb", clock.wall()).error().fault, Fault::kInvalid);

    ASSERT_EQ(::chmod(path.c_str(), 0640), 0);
    const auto open_to_all = keys.open("release");
    ASSERT_FALSE(open_to_all);
    EXPECT_NE(open_to_all.error().detail.find("chmod 600"), std::string::npos);
    ASSERT_EQ(::chmod(path.c_str(), 0600), 0);
    ASSERT_TRUE(replace_file(path, "{\"schema\":\"segue-signing-key/1\"}", FileAccess::kOwner));
    EXPECT_NE(keys.open("release").error().detail.find("no private key"), std::string::npos);
}

}  // namespace
}  // namespace segue::evidence
