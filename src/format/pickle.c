/* pickle.c - the stack machine.
 *
 * Invariants: every instruction costs a bounded number of nodes, so memory is bounded by the pickle's length; nothing is
 * walked through recursively; texts stay where they are. */
#include "format/pickle.h"

#include <inttypes.h>
#include <string.h>

/* ------------------------------------------------------------------------------------------ what may be named */

typedef enum known { MAKE_DICT, MAKE_TENSOR, MAKE_PARAMETER, MAKE_TUPLE, MAKE_OTHER, HOLD } known;

static const struct pickle_class {
    const char *module, *name;
    known       what;
    source_type type; /* HOLD: of a storage */
} CLASSES[] = {
    {"collections", "OrderedDict", MAKE_DICT, 0},
    {"torch._utils", "_rebuild_tensor_v2", MAKE_TENSOR, 0},
    {"torch._utils", "_rebuild_tensor", MAKE_TENSOR, 0},
    {"torch._utils", "_rebuild_parameter", MAKE_PARAMETER, 0},
    {"torch", "Size", MAKE_TUPLE, 0},
    {"torch", "device", MAKE_OTHER, 0},
    {"torch", "float32", MAKE_OTHER, 0},
    {"torch", "float16", MAKE_OTHER, 0},
    {"torch", "bfloat16", MAKE_OTHER, 0},
    {"torch", "float64", MAKE_OTHER, 0},
    {"torch", "FloatStorage", HOLD, SOURCE_F32},
    {"torch", "HalfStorage", HOLD, SOURCE_F16},
    {"torch", "BFloat16Storage", HOLD, SOURCE_BF16},
    {"torch", "DoubleStorage", HOLD, SOURCE_F64},
    {"torch", "LongStorage", HOLD, SOURCE_I64},
    {"torch", "IntStorage", HOLD, SOURCE_I32},
    {"torch", "ShortStorage", HOLD, SOURCE_I16},
    {"torch", "CharStorage", HOLD, SOURCE_I8},
    {"torch", "ByteStorage", HOLD, SOURCE_U8},
    {"torch", "BoolStorage", HOLD, SOURCE_BOOL},
};

/* What the others do is not told apart: they are refused. */
static const struct {
    unsigned char code;
    const char   *name;
} REFUSED[] = {
    {'i', "INST"},       {'o', "OBJ"},         {0x81, "NEWOBJ"},      {0x92, "NEWOBJ_EX"},
    {0x82, "EXT1"},      {0x83, "EXT2"},       {0x84, "EXT4"},        {'P', "PERSID"},
    {'I', "INT"},        {'L', "LONG"},        {'F', "FLOAT"},        {'S', "STRING"},
    {'V', "UNICODE"},    {'p', "PUT"},         {'g', "GET"},          {'d', "DICT"},
    {'l', "LIST"},       {'2', "DUP"},         {0x8b, "LONG4"},       {0x8f, "EMPTY_SET"},
    {0x90, "ADDITEMS"},  {0x91, "FROZENSET"},  {'B', "BINBYTES"},     {'C', "SHORT_BINBYTES"},
    {0x8e, "BINBYTES8"}, {0x96, "BYTEARRAY8"}, {0x97, "NEXT_BUFFER"}, {0x98, "READONLY_BUFFER"},
};

/* ----------------------------------------------------------------------------------------------- the machine */

typedef struct chunk {
    struct chunk *next;
    size_t        used, room;
    pickle_node   nodes[];
} chunk;

_Static_assert(sizeof(pickle_items) <= sizeof(pickle_node), "a container fits where a node does");

typedef struct machine {
    pickle              *p;
    const char          *path;
    const unsigned char *data;
    size_t               bytes, at, instruction; /* where the instruction under way began */
    pickle_value        *stack, *memo;
    size_t               depth, stack_room, memo_count, memo_room;
} machine;

static canto_status broken(const machine *m, const char *how) {
    return status_error(CANTO_ERROR_FORMAT, "'%.300s': its pickle is damaged at byte %zu: %s; get the file again",
                        m->path, m->instruction, how);
}

static void *node_new(machine *m) {
    chunk *c = m->p->chunks;
    if (!c || c->used == c->room) {
        size_t room = c ? 2000 : 50;
        chunk *next = context_allocate(m->p->context, sizeof *next + room * sizeof *next->nodes);
        if (!next) return NULL;
        *next = (chunk){.next = c, .room = room};
        c = m->p->chunks = next;
    }
    pickle_node *node = &c->nodes[c->used++];
    memset(node, 0, sizeof *node);
    return node;
}

static canto_status no_memory(void) { return context_no_memory(sizeof(pickle_node), "the values of a pickle"); }

static canto_status need(const machine *m, uint64_t bytes) {
    return bytes <= m->bytes - m->at ? status_ok() : broken(m, "it is cut short");
}

/* The next n bytes, little-endian. need has been asked. */
static uint64_t take(machine *m, int n) {
    uint64_t x = 0;
    for (int i = 0; i < n; i++) x |= (uint64_t)m->data[m->at++] << 8 * i;
    return x;
}

static canto_status push(machine *m, pickle_value v) {
    void        *block = m->stack;
    canto_status status =
        context_reserve(m->p->context, &block, &m->stack_room, m->depth + 1, sizeof v, "the stack of a pickle");
    m->stack = block;
    if (status.code == CANTO_OK) m->stack[m->depth++] = v;
    return status;
}

static canto_status pop(machine *m, pickle_value *v) {
    if (m->depth == 0 || m->stack[m->depth - 1].kind == PICKLE_MARK) return broken(m, "its stack is empty");
    *v = m->stack[--m->depth];
    return status_ok();
}

/* The value at the top. */
static canto_status top(const machine *m, pickle_value *v) {
    if (m->depth == 0 || m->stack[m->depth - 1].kind == PICKLE_MARK) return broken(m, "its stack is empty");
    *v = m->stack[m->depth - 1];
    return status_ok();
}

/* Where what has been pushed since the last mark begins. */
static canto_status since_mark(const machine *m, size_t *first) {
    for (*first = m->depth; *first > 0; --*first)
        if (m->stack[*first - 1].kind == PICKLE_MARK) return status_ok();
    return broken(m, "it lacks a mark");
}

static canto_status append(machine *m, pickle_items *items, pickle_value v) {
    pickle_node *node = node_new(m);
    if (!node) return no_memory();
    node->value = v;
    if (items->last) items->last->next = node;
    else items->first = node;
    items->last = node;
    items->count++;
    return status_ok();
}

static canto_status push_items(machine *m, pickle_kind kind) {
    pickle_items *items = node_new(m);
    return items ? push(m, (pickle_value){.kind = kind, .items = items}) : no_memory();
}

/* ------------------------------------------------------------------------------------------ the instructions */

/* A tuple of the values from stack[first] on. */
static canto_status make_tuple(machine *m, size_t first, size_t drop) {
    canto_status  status = status_ok();
    pickle_items *items = node_new(m);
    if (!items) return no_memory();
    for (size_t i = first; i < m->depth; i++) {
        if (m->stack[i].kind == PICKLE_MARK) return broken(m, "its stack is empty");
        TRY(append(m, items, m->stack[i]));
    }
    m->depth = first - drop;
    TRY(push(m, (pickle_value){.kind = PICKLE_TUPLE, .items = items}));
done:
    return status;
}

/* Moves the values from stack[first] on into the container below them, and below `drop` values more. */
static canto_status extend(machine *m, pickle_kind kind, size_t first, size_t drop) {
    canto_status status = status_ok();
    if (first < drop + 1 || m->stack[first - drop - 1].kind != kind)
        return broken(m, kind == PICKLE_LIST ? "it appends to what is no list" : "it sets an item of no dictionary");
    if (kind == PICKLE_DICT && (m->depth - first) % 2 != 0) return broken(m, "a key has no value");
    for (size_t i = first; i < m->depth; i++) {
        if (m->stack[i].kind == PICKLE_MARK) return broken(m, "its stack is empty");
        TRY(append(m, m->stack[first - drop - 1].items, m->stack[i]));
    }
    m->depth = first - drop;
done:
    return status;
}

static canto_status extend_since_mark(machine *m, pickle_kind kind) {
    size_t       first;
    canto_status status = since_mark(m, &first);
    return status.code == CANTO_OK ? extend(m, kind, first, 1) : status;
}

static canto_status make_tuple_of(machine *m, size_t count) {
    return m->depth < count ? broken(m, "its stack is empty") : make_tuple(m, m->depth - count, 0);
}

static canto_status make_tuple_since_mark(machine *m) {
    size_t       first;
    canto_status status = since_mark(m, &first);
    return status.code == CANTO_OK ? make_tuple(m, first, 1) : status;
}

static canto_status remember(machine *m, uint64_t index) {
    pickle_value v;
    canto_status status = top(m, &v);
    if (status.code != CANTO_OK) return status;
    if (index >= m->bytes) return broken(m, "it remembers more than it holds");
    void *block = m->memo;
    TRY(context_reserve(m->p->context, &block, &m->memo_room, (size_t)index + 1, sizeof *m->memo,
                        "the memory of a pickle"));
    m->memo = block;
    while (m->memo_count <= index) m->memo[m->memo_count++] = (pickle_value){.kind = PICKLE_MARK};
    m->memo[index] = v;
done:
    return status;
}

static canto_status recall(machine *m, uint64_t index) {
    if (index >= m->memo_count || m->memo[index].kind == PICKLE_MARK)
        return broken(m, "it asks for what it has not remembered");
    return push(m, m->memo[index]);
}

/* The next `bytes` bytes as a text. */
static canto_status push_text(machine *m, uint64_t bytes) {
    canto_status status = need(m, bytes);
    if (status.code != CANTO_OK) return status;
    if (bytes > UINT32_MAX) return broken(m, "a text is too long");
    const char *text = (const char *)m->data + m->at;
    m->at += (size_t)bytes;
    return push(m, (pickle_value){.kind = PICKLE_TEXT, .bytes = (uint32_t)bytes, .text = text});
}

/* A little-endian number in two's complement; one that 64 bits do not hold is of no use to a model. */
static canto_status push_long(machine *m, size_t bytes) {
    canto_status status = need(m, bytes);
    if (status.code != CANTO_OK) return status;
    pickle_value v = {.kind = bytes <= 8 ? PICKLE_INT : PICKLE_OTHER};
    if (bytes > 8) m->at += bytes;
    else if (bytes > 0) {
        uint64_t x = take(m, (int)bytes);
        if (bytes < 8 && (x >> (8 * bytes - 1)) != 0) x |= UINT64_MAX << 8 * bytes;
        memcpy(&v.integer, &x, sizeof x);
    }
    return push(m, v);
}

static canto_status push_real(machine *m) {
    uint64_t     bits = 0;
    pickle_value v = {.kind = PICKLE_REAL};
    for (int i = 0; i < 8; i++) bits = bits << 8 | m->data[m->at++]; /* big-endian, this one alone */
    memcpy(&v.real, &bits, sizeof bits);
    return push(m, v);
}

static canto_status push_class(machine *m, const char *module, size_t module_bytes, const char *name,
                               size_t name_bytes) {
    for (size_t i = 0; i < sizeof CLASSES / sizeof *CLASSES; i++)
        if (strlen(CLASSES[i].module) == module_bytes && memcmp(CLASSES[i].module, module, module_bytes) == 0 &&
            strlen(CLASSES[i].name) == name_bytes && memcmp(CLASSES[i].name, name, name_bytes) == 0)
            return push(m, (pickle_value){.kind = PICKLE_CLASS, .name = (int)i});
    return status_error(
        CANTO_ERROR_UNSUPPORTED,
        "'%.200s': its pickle calls for \"%.*s.%.*s\", which weights do not need: canto reads tensors, numbers "
        "and texts alone, and runs nothing. Save the state_dict() of the model alone",
        m->path, module_bytes < 80 ? (int)module_bytes : 80, module, name_bytes < 80 ? (int)name_bytes : 80, name);
}

/* The bytes up to the next line end. */
static canto_status take_line(machine *m, const char **line, size_t *bytes) {
    const unsigned char *end = memchr(m->data + m->at, '\n', m->bytes - m->at);
    if (!end) return broken(m, "it is cut short");
    *line = (const char *)m->data + m->at;
    *bytes = (size_t)(end - (m->data + m->at));
    m->at += *bytes + 1;
    return status_ok();
}

static canto_status take_class(machine *m) {
    canto_status status;
    const char  *module = NULL, *name = NULL;
    size_t       module_bytes = 0, name_bytes = 0;
    TRY(take_line(m, &module, &module_bytes));
    TRY(take_line(m, &name, &name_bytes));
    TRY(push_class(m, module, module_bytes, name, name_bytes));
done:
    return status;
}

static canto_status pop_class(machine *m) {
    canto_status status;
    pickle_value module = {0}, name = {0};
    TRY(pop(m, &name));
    TRY(pop(m, &module));
    if (module.kind != PICKLE_TEXT || name.kind != PICKLE_TEXT) TRY(broken(m, "a name is no text"));
    TRY(push_class(m, module.text, module.bytes, name.text, name.bytes));
done:
    return status;
}

/* A class applied to its arguments: recorded. */
static canto_status reduce(machine *m) {
    canto_status status;
    pickle_value arguments = {0}, callee = {0};
    TRY(pop(m, &arguments));
    TRY(pop(m, &callee));
    if (callee.kind != PICKLE_CLASS || arguments.kind != PICKLE_TUPLE) TRY(broken(m, "it calls what is no function"));
    const pickle_value *first = pickle_at(&arguments, 0);
    switch (CLASSES[callee.name].what) {
    case MAKE_DICT:
        if (first) TRY(broken(m, "an OrderedDict comes with arguments"));
        TRY(push_items(m, PICKLE_DICT));
        break;
    case MAKE_TENSOR:
        if (arguments.items->count < 4) TRY(broken(m, "a tensor lacks its shape"));
        arguments.kind = PICKLE_TENSOR;
        TRY(push(m, arguments));
        break;
    case MAKE_PARAMETER:
        if (!first || first->kind != PICKLE_TENSOR) TRY(broken(m, "a parameter is no tensor"));
        TRY(push(m, *first));
        break;
    case MAKE_TUPLE:
        if (!first || (first->kind != PICKLE_TUPLE && first->kind != PICKLE_LIST)) TRY(broken(m, "a size is no tuple"));
        TRY(push(m, *first));
        break;
    case MAKE_OTHER:
        TRY(push(m, (pickle_value){.kind = PICKLE_OTHER}));
        break;
    case HOLD:
        TRY(broken(m, "it makes a storage by itself"));
    }
done:
    return status;
}

/* The state that an object is given besides its items: an OrderedDict's is torch's _metadata, of no use here. */
static canto_status build(machine *m) {
    canto_status status;
    pickle_value state = {0}, object = {0};
    TRY(pop(m, &state));
    TRY(top(m, &object));
    if (object.kind != PICKLE_DICT) TRY(broken(m, "it sets the state of what is no dictionary"));
done:
    return status;
}

static canto_status push_storage(machine *m) {
    canto_status status;
    pickle_value id = {0};
    TRY(pop(m, &id));
    if (id.kind != PICKLE_TUPLE) TRY(broken(m, "a storage's name is no tuple"));
    id.kind = PICKLE_STORAGE;
    TRY(append(m, &m->p->storages, id));
    TRY(push(m, id));
done:
    return status;
}

static canto_status refuse(const machine *m, unsigned char code) {
    for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++)
        if (REFUSED[i].code == code)
            return status_error(
                CANTO_ERROR_UNSUPPORTED,
                "'%.250s': its pickle has the instruction %s (byte %zu), which weights do not need: save the "
                "state_dict() of the model alone, with torch.save",
                m->path, REFUSED[i].name, m->instruction);
    return broken(m, "there is no such instruction");
}

/* Bytes that follow an instruction. */
static int operand_bytes(unsigned char code) {
    switch (code) {
    case 0x80: /* PROTO */
    case 'K':  /* BININT1 */
    case 'h':  /* BINGET */
    case 'q':  /* BINPUT */
    case 0x8a: /* LONG1 */
    case 0x8c: /* SHORT_BINUNICODE */
    case 'U':  /* SHORT_BINSTRING */
        return 1;
    case 'M': /* BININT2 */
        return 2;
    case 'J': /* BININT */
    case 'j': /* LONG_BINGET */
    case 'r': /* LONG_BINPUT */
    case 'X': /* BINUNICODE */
    case 'T': /* BINSTRING */
        return 4;
    case 'G':  /* BINFLOAT */
    case 0x8d: /* BINUNICODE8 */
    case 0x95: /* FRAME */
        return 8;
    default:
        return 0;
    }
}

static canto_status step(machine *m, unsigned char code) {
    canto_status status;
    pickle_value ignored;
    size_t       first;
    TRY(need(m, (uint64_t)operand_bytes(code)));
    if (code == 'G') return push_real(m);
    uint64_t n = take(m, operand_bytes(code));
    switch (code) {
    case 0x80: /* PROTO */
        return n >= 2 && n <= 5 ? status : broken(m, "its protocol is not one of 2 to 5");
    case 0x95: /* FRAME */
        return status;
    case '(': /* MARK */
        return push(m, (pickle_value){.kind = PICKLE_MARK});
    case '0': /* POP */
        return pop(m, &ignored);
    case '1': /* POP_MARK */
        TRY(since_mark(m, &first));
        m->depth = first - 1;
        break;
    case 'N': /* NONE */
        return push(m, (pickle_value){.kind = PICKLE_NONE});
    case 0x88: /* NEWTRUE */
    case 0x89: /* NEWFALSE */
        return push(m, (pickle_value){.kind = PICKLE_BOOL, .truth = code == 0x88});
    case 'K': /* BININT1 */
    case 'M': /* BININT2 */
        return push(m, (pickle_value){.kind = PICKLE_INT, .integer = (int64_t)n});
    case 'J': /* BININT */
        return push(
            m, (pickle_value){.kind = PICKLE_INT, .integer = (int64_t)n - ((n & 0x80000000) != 0 ? 0x100000000 : 0)});
    case 0x8a: /* LONG1 */
        return push_long(m, (size_t)n);
    case 'X':  /* BINUNICODE */
    case 'T':  /* BINSTRING */
    case 'U':  /* SHORT_BINSTRING */
    case 0x8c: /* SHORT_BINUNICODE */
    case 0x8d: /* BINUNICODE8 */
        return push_text(m, n);
    case ')': /* EMPTY_TUPLE */
        return push_items(m, PICKLE_TUPLE);
    case ']': /* EMPTY_LIST */
        return push_items(m, PICKLE_LIST);
    case '}': /* EMPTY_DICT */
        return push_items(m, PICKLE_DICT);
    case 0x85: /* TUPLE1 */
    case 0x86: /* TUPLE2 */
    case 0x87: /* TUPLE3 */
        return make_tuple_of(m, (size_t)code - 0x84);
    case 't': /* TUPLE */
        return make_tuple_since_mark(m);
    case 'a': /* APPEND */
        return m->depth < 2 ? broken(m, "its stack is empty") : extend(m, PICKLE_LIST, m->depth - 1, 0);
    case 'e': /* APPENDS */
        return extend_since_mark(m, PICKLE_LIST);
    case 's': /* SETITEM */
        return m->depth < 3 ? broken(m, "its stack is empty") : extend(m, PICKLE_DICT, m->depth - 2, 0);
    case 'u': /* SETITEMS */
        return extend_since_mark(m, PICKLE_DICT);
    case 'q': /* BINPUT */
    case 'r': /* LONG_BINPUT */
        return remember(m, n);
    case 0x94: /* MEMOIZE */
        return remember(m, m->memo_count);
    case 'h': /* BINGET */
    case 'j': /* LONG_BINGET */
        return recall(m, n);
    case 'c': /* GLOBAL */
        return take_class(m);
    case 0x93: /* STACK_GLOBAL */
        return pop_class(m);
    case 'Q': /* BINPERSID */
        return push_storage(m);
    case 'R': /* REDUCE */
        return reduce(m);
    case 'b': /* BUILD */
        return build(m);
    default:
        return refuse(m, code);
    }
done:
    return status;
}

canto_status pickle_read(canto_context *context, const char *path, const unsigned char *data, size_t bytes, pickle *p) {
    canto_status  status = status_ok();
    unsigned char code = 0;
    machine       m = {.p = p, .path = path, .data = data, .bytes = bytes};
    *p = (pickle){.context = context};
    while (code != '.') {
        m.instruction = m.at;
        TRY(need(&m, 1));
        code = data[m.at++];
        if (code != '.') TRY(step(&m, code));
    }
    TRY(pop(&m, &p->root));
    p->bytes = m.at;
done:
    if (m.stack) context_release(context, m.stack);
    if (m.memo) context_release(context, m.memo);
    if (status.code != CANTO_OK) pickle_close(p);
    return status;
}

void pickle_close(pickle *p) {
    for (chunk *c = p->chunks, *next; c; c = next) {
        next = c->next;
        context_release(p->context, c);
    }
    memset(p, 0, sizeof *p);
}

/* -------------------------------------------------------------------------------------------------- looking */

bool pickle_is_text(const pickle_value *v, const char *text) {
    return v && v->kind == PICKLE_TEXT && v->bytes == strlen(text) && memcmp(v->text, text, v->bytes) == 0;
}

const pickle_value *pickle_get(const pickle_value *dict, const char *key) {
    const pickle_value *found = NULL;
    if (!dict || dict->kind != PICKLE_DICT) return NULL;
    for (const pickle_node *n = dict->items->first; n && n->next; n = n->next->next)
        if (pickle_is_text(&n->value, key)) found = &n->next->value; /* the last one wins */
    return found;
}

const pickle_value *pickle_at(const pickle_value *v, size_t index) {
    if (v->kind != PICKLE_TUPLE && v->kind != PICKLE_LIST && v->kind != PICKLE_STORAGE && v->kind != PICKLE_TENSOR)
        return NULL;
    const pickle_node *n = v->items->first;
    while (n && index-- > 0) n = n->next;
    return n ? &n->value : NULL;
}

bool pickle_storage_type(const pickle_value *v, source_type *type) {
    if (!v || v->kind != PICKLE_CLASS || CLASSES[v->name].what != HOLD) return false;
    *type = CLASSES[v->name].type;
    return true;
}
