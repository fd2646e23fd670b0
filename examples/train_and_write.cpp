/* train_and_write.cpp - from C++: handles that close themselves, statuses that are thrown.
 *
 *     c++ -std=c++17 train_and_write.cpp $(pkg-config --cflags --libs canto) -o train_and_write
 *     ./train_and_write book.txt 300        # 300 steps in memory, nothing is saved; then it writes
 *
 * The first third is all that a C++ program needs around canto.h; it fits any program. */
#include <canto.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

class Error : public std::runtime_error {
  public:
    explicit Error(const canto_status &status) : std::runtime_error(status.text), code(status.code) {}
    canto_code code;
};

inline void check(const canto_status &status) {
    if (status.code != CANTO_OK) throw Error(status);
}

/* Owns a handle. Objects end in the reverse order of their making, so a context that is made first is closed last. */
template <typename T, void (*close)(T *)> class Handle {
  public:
    Handle() = default;
    Handle(Handle &&other) noexcept : pointer(std::exchange(other.pointer, nullptr)) {}
    Handle &operator=(Handle &&other) noexcept {
        std::swap(pointer, other.pointer);
        return *this;
    }
    ~Handle() { close(pointer); }
        operator T *() const { return pointer; }
    T **out() { return &pointer; } // for the calls that open

  private:
    T *pointer = nullptr;
};

using Context = Handle<canto_context, canto_context_close>;
using Tokenizer = Handle<canto_tokenizer, canto_tokenizer_close>;
using Data = Handle<canto_data, canto_data_close>;
using Trainer = Handle<canto_trainer, canto_trainer_close>;
using Session = Handle<canto_session, canto_session_close>;

/* Memory that the library hands out, copied into a string. */
std::string decode(canto_context *context, const canto_tokenizer *tokenizer, uint32_t id) {
    char  *text;
    size_t bytes;
    check(canto_tokenizer_decode(tokenizer, &id, 1, &text, &bytes));
    std::string copy(text, bytes);
    canto_free(context, text);
    return copy;
}

/* What the callbacks share. They are called from C, where no exception may pass: it is kept, and thrown later. */
struct Writing {
    canto_context         *context;
    const canto_tokenizer *tokenizer;
    std::string            text;
    std::exception_ptr     thrown;
};

bool on_event(void *, const canto_trainer *, const canto_event *event) noexcept {
    if (event->kind == CANTO_EVENT_EVALUATION)
        std::cerr << "step " << event->step << ": validation loss " << event->val_loss << '\n';
    return true;
}

bool on_token(void *user, uint32_t id, double) noexcept {
    auto *writing = static_cast<Writing *>(user);
    try {
        writing->text += decode(writing->context, writing->tokenizer, id);
        return true;
    } catch (...) {
        writing->thrown = std::current_exception();
        return false;
    }
}

void run(const char *path, long steps) {
    Context context;
    check(canto_context_open(nullptr, context.out()));
    Tokenizer tokenizer;
    check(canto_tokenizer_train(context, nullptr, &path, 1, tokenizer.out()));
    Data data;
    check(canto_data_from_texts(context, tokenizer, &path, 1, data.out()));

    canto_config        config;
    canto_train_options training;
    check(canto_preset("mini", &config, &training));
    config.vocab = canto_tokenizer_vocabulary(tokenizer);
    config.context = 64;
    config.width = 64;
    config.ffn = 256;
    config.layers = 2;
    training.steps = steps;
    training.batch = 8;
    training.eval_batches = 2;
    Trainer trainer; // folder nullptr: everything stays in memory
    check(canto_trainer_open(context, &config, &training, tokenizer, data, nullptr, nullptr, trainer.out()));
    check(canto_trainer_run(trainer, on_event, nullptr));

    Session session; // over the trainer's own weights
    check(canto_session_open(context, canto_trainer_model(trainer), session.out()));
    canto_generate_options how = canto_generate_options_default();
    how.temperature = 0.8;
    Writing        writing{context, tokenizer, "", nullptr};
    const uint32_t first = 0;
    canto_status   status = canto_generate(session, &first, 1, &how, on_token, &writing);
    if (writing.thrown) std::rethrow_exception(writing.thrown);
    check(status);
    std::cout << writing.text << '\n';
}

int main(int count, char **words) try {
    if (count < 2) {
        std::cerr << "usage: train_and_write TEXT [STEPS]\n";
        return EXIT_FAILURE;
    }
    run(words[1], count > 2 ? std::strtol(words[2], nullptr, 10) : 300);
    return EXIT_SUCCESS;
} catch (const std::exception &error) {
    std::cerr << "train_and_write: " << error.what() << '\n';
    return EXIT_FAILURE;
}
