/* The model directory: what is written, and that it is written whole or not at all. tests/integration asks MLflow. */
#include "support/support.h"
#include "base/file.h"
#include "support/fault_os.h"
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

typedef struct place {
    char *folder;
    mlplat *ml;
} place;

static void begin(place *p)
{
    mlplat_error err = {0};
    p->folder = test_folder_make();
    p->ml = test_open(p->folder);
    assert_ok(mlp_file_mkdirs(test_path(p->folder, "pkg"), 0777, &err));
    assert_ok(mlp_file_write_atomic(test_path(p->folder, "pkg/__init__.py"), "", 0, false, &err));
    assert_ok(mlp_file_write_atomic(test_path(p->folder, "loader.py"), "x", 1, false, &err));
    assert_ok(mlp_file_write_atomic(test_path(p->folder, "weights.bin"), "1234567", 7, false, &err));
}

static void end(place *p)
{
    mlplat_close(p->ml);
    test_folder_remove(p->folder);
}

static size_t names_in(const char *folder)
{
    size_t n = 0;
    DIR *d = opendir(folder);
    assert_non_null(d);
    while (readdir(d))
        n++;
    closedir(d);
    return n - 2;
}

static mlplat_model full_model(const place *p)
{
    mlplat_model m = MLPLAT_MODEL_INIT;
    m.loader_module = "loader";
    m.data = test_path(p->folder, "weights.bin");
    m.code = test_path(p->folder, "loader.py");
    m.flavors = "{\"own\": {\"format\": 1}, \"python_function\": {\"predict_fn\": \"predict\"}}";
    m.signature = "{\"inputs\": [{\"name\": \"a\", \"type\": \"double\"}], \"outputs\": [{\"type\": \"long\"}],"
                  " \"params\": [{\"name\": \"t\", \"type\": \"double\", \"default\": 0.5}]}";
    m.input_example = "{\"columns\": [\"a\"], \"index\": [0], \"data\": [[1.0]]}";
    m.requirements = "numpy==2.0\n# why\n\n  pandas  \r\n";
    m.python_version = "3.10";
    m.metadata = "{\"team\": \"a\"}";
    m.run_id = "0123456789abcdef0123456789abcdef";
    m.artifact_path = "model";
    return m;
}

static void the_directory_holds_what_mlflow_looks_for(void **state)
{
    static const struct {
        const char *path, *want;
    } cases[] = {
        {"artifact_path", "model"},
        {"run_id", "0123456789abcdef0123456789abcdef"},
        {"flavors.python_function.loader_module", "loader"},
        {"flavors.python_function.data", "weights.bin"},
        {"flavors.python_function.code", "code"},
        {"flavors.python_function.predict_fn", "predict"},
        {"flavors.python_function.env.conda", "conda.yaml"},
        {"flavors.python_function.env.virtualenv", "python_env.yaml"},
        {"flavors.python_function.python_version", "3.10"}, /* a text: 3.1 would be another version */
        {"signature.inputs", "[{\"name\":\"a\",\"type\":\"double\",\"required\":true}]"},
        {"signature.outputs", "[{\"type\":\"long\",\"required\":true}]"},
        {"signature.params", "[{\"name\":\"t\",\"type\":\"double\",\"default\":0.5,\"shape\":null}]"},
        {"saved_input_example_info.type", "dataframe"},
        {"saved_input_example_info.pandas_orient", "split"},
        {"metadata.team", "a"},
    };
    static const struct {
        const char *name, *want;
    } files[] = {
        {"weights.bin", "1234567"},
        {"code/loader.py", "x"},
        {"requirements.txt", "numpy==2.0\npandas\n"},
        {"input_example.json", "{\"columns\":[\"a\"],\"data\":[[1.0]]}"},
    };
    place p;
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    const char *text;
    int64_t size;
    (void)state;
    begin(&p);
    mlplat_model m = full_model(&p);
    assert_ok(mlplat_model_save(p.ml, &m, test_path(p.folder, "out/model"), &err));
    assert_ok(mlplat_model_info(p.ml, test_path(p.folder, "out/model"), &doc, &err));
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_ok(mlplat_doc_string(doc, cases[i].path, &text, &err));
        assert_string_equal(text, cases[i].want);
    }
    assert_ok(mlplat_doc_int(doc, "flavors.own.format", &size, &err));
    assert_ok(mlplat_doc_int(doc, "model_size_bytes", &size, &err));
    assert_true(size > 7);
    assert_ok(mlplat_doc_string(doc, "model_uuid", &text, &err));
    assert_int_equal(strlen(text), 32);
    mlplat_doc_free(doc);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        mlp_buf content = {0};
        char path[200];
        snprintf(path, sizeof path, "out/model/%s", files[i].name);
        assert_ok(mlp_file_read(test_path(p.folder, path), 1000, &content, &err));
        assert_string_equal(content.data, files[i].want);
        mlp_buf_free(&content);
    }
    assert_int_equal(names_in(test_path(p.folder, "out")), 1);
    end(&p);
}

static void code_lies_where_python_imports_it(void **state)
{
    place p;
    mlplat_error err = {0};
    mlplat_model m = MLPLAT_MODEL_INIT;
    (void)state;
    begin(&p);
    m.loader_module = "pkg";
    m.code = test_path(p.folder, "pkg"); /* a package keeps its name */
    assert_ok(mlplat_model_save(p.ml, &m, test_path(p.folder, "one"), &err));
    assert_true(mlp_file_exists(test_path(p.folder, "one/code/pkg/__init__.py")));
    assert_ok(mlp_file_mkdirs(test_path(p.folder, "src"), 0777, &err));
    assert_ok(mlp_file_write_atomic(test_path(p.folder, "src/mod.py"), "", 0, false, &err));
    m.code = test_path(p.folder, "src"); /* a folder of modules does not */
    assert_ok(mlplat_model_save(p.ml, &m, test_path(p.folder, "two"), &err));
    assert_true(mlp_file_exists(test_path(p.folder, "two/code/mod.py")));
    m.code = NULL;
    assert_ok(mlp_file_mkdirs(test_path(p.folder, "three"), 0777, &err));
    assert_ok(mlplat_model_save(p.ml, &m, test_path(p.folder, "three"), &err)); /* an empty folder is filled */
    assert_int_equal(names_in(test_path(p.folder, "three")), 1);
    end(&p);
}

static void a_wrong_member_is_named_and_nothing_is_written(void **state)
{
    static const struct {
        size_t member;
        const char *value;
        const char *names;
        mlplat_status want;
    } cases[] = {
#define MEMBER(name) offsetof(mlplat_model, name)
        {MEMBER(loader_module), NULL, "loader_module", MLPLAT_INVALID},
        {MEMBER(loader_module), "", "loader_module", MLPLAT_INVALID},
        {MEMBER(loader_module), "a-b", "loader_module", MLPLAT_INVALID},
        {MEMBER(loader_module), "a..b", "loader_module", MLPLAT_INVALID},
        {MEMBER(loader_module), "a.", "loader_module", MLPLAT_INVALID},
        {MEMBER(loader_module), "1a", "loader_module", MLPLAT_INVALID},
        {MEMBER(data), "/nonexistent/x", "data", MLPLAT_NOT_FOUND},
        {MEMBER(data), "/", "data", MLPLAT_INVALID},
        {MEMBER(code), "/nonexistent/x", "code", MLPLAT_NOT_FOUND},
        {MEMBER(code), "/dev/null", "code", MLPLAT_NOT_FOUND},
        {MEMBER(flavors), "[]", "flavors", MLPLAT_INVALID},
        {MEMBER(flavors), "{\"x\": 1}", "flavors", MLPLAT_INVALID},
        {MEMBER(flavors), "{", "flavors", MLPLAT_INVALID},
        {MEMBER(flavors), "{\"python_function\": {\"code\": \"../x\"}}", "code", MLPLAT_INVALID},
        {MEMBER(signature), "{\"input\": []}", "signature", MLPLAT_INVALID},
        {MEMBER(signature), "{\"inputs\": [{\"type\": \"numeric\"}]}", "signature", MLPLAT_INVALID},
        {MEMBER(signature), "{\"inputs\": [{\"name\": \"a\"}]}", "signature", MLPLAT_INVALID},
        {MEMBER(signature), "{\"inputs\": [{\"type\": \"tensor\"}]}", "signature", MLPLAT_INVALID},
        {MEMBER(signature), "{\"inputs\": {}}", "signature", MLPLAT_INVALID},
        {MEMBER(signature), "{\"params\": [{\"type\": \"long\"}]}", "signature", MLPLAT_INVALID},
        {MEMBER(signature), "[]", "signature", MLPLAT_INVALID},
        {MEMBER(input_example), "{\"columns\": [\"a\"], \"data\": [[1, 2]]}", "input_example", MLPLAT_INVALID},
        {MEMBER(input_example), "nope", "input_example", MLPLAT_INVALID},
        {MEMBER(requirements), "\xff", "requirements", MLPLAT_INVALID},
        {MEMBER(python_version), "three", "python_version", MLPLAT_INVALID},
        {MEMBER(python_version), "3..1", "python_version", MLPLAT_INVALID},
        {MEMBER(metadata), "[1]", "metadata", MLPLAT_INVALID},
        {MEMBER(artifact_path), "../x", "artifact_path", MLPLAT_INVALID},
        {MEMBER(run_id), "", "run_id", MLPLAT_INVALID},
    };
    place p;
    mlplat_error err = {0};
    (void)state;
    begin(&p);
    size_t before = names_in(p.folder);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        mlplat_model m = full_model(&p);
        *(const char **)(void *)((char *)&m + cases[i].member) = cases[i].value;
        mlplat_status s = mlplat_model_save(p.ml, &m, test_path(p.folder, "model"), &err);
        if (s != cases[i].want || !strstr(err.message, cases[i].names))
            fail_msg("case %zu: %s: %s", i, mlplat_status_name(s), err.message);
    }
    assert_int_equal(names_in(p.folder), before);
    end(&p);
}

static void a_name_that_the_directory_needs_is_not_data(void **state)
{
    static const char *const names[] = {"MLmodel", "code", "conda.yaml", "input_example.json"};
    place p;
    mlplat_error err = {0};
    mlplat_model m = MLPLAT_MODEL_INIT;
    (void)state;
    begin(&p);
    m.loader_module = "x";
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        m.data = test_path(p.folder, names[i]);
        assert_ok(mlp_file_write_atomic(m.data, "x", 1, false, &err));
        assert_status(mlplat_model_save(p.ml, &m, test_path(p.folder, "model"), &err), MLPLAT_INVALID);
    }
    end(&p);
}

static void what_is_there_stays(void **state)
{
    place p;
    mlplat_error err = {0};
    mlplat_model m = MLPLAT_MODEL_INIT;
    (void)state;
    begin(&p);
    m.loader_module = "x";
    assert_status(mlplat_model_save(p.ml, &m, test_path(p.folder, "pkg"), &err), MLPLAT_EXISTS);
    assert_status(mlplat_model_save(p.ml, &m, test_path(p.folder, "loader.py"), &err), MLPLAT_EXISTS);
    assert_status(mlplat_model_save(p.ml, &m, test_path(p.folder, "loader.py/x"), &err), MLPLAT_EXISTS);
    assert_status(mlplat_model_save(p.ml, &m, "", &err), MLPLAT_INVALID);
    assert_int_equal(names_in(test_path(p.folder, "pkg")), 1);
    end(&p);
}

static void a_fault_leaves_no_half_a_model(void **state)
{
    place p;
    mlplat_error err = {0};
    mlplat_status s = MLPLAT_IO;
    size_t n = 0, calls = 1, failed = 0;
    (void)state;
    begin(&p);
    size_t before = names_in(p.folder);
    while (n <= calls) {                 /* until no call is left that the fault could hit */
        mlplat_model m = full_model(&p); /* its paths live for a few calls of test_path only */
        fault_os_begin(++n, EIO, false);
        s = mlplat_model_save(p.ml, &m, test_path(p.folder, "model"), &err);
        calls = fault_os_end();
        failed += s != MLPLAT_OK;
        bool there = mlp_file_exists(test_path(p.folder, "model"));
        if (there) { /* after the rename only its fsync can fail */
            assert_true(mlp_file_exists(test_path(p.folder, "model/MLmodel")));
            assert_ok(mlp_file_remove_tree(test_path(p.folder, "model"), &err));
        }
        assert_int_equal(names_in(p.folder), before);
    }
    assert_int_equal(s, MLPLAT_OK);
    assert_true(failed > 20);
    end(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_directory_holds_what_mlflow_looks_for),
        cmocka_unit_test(code_lies_where_python_imports_it),
        cmocka_unit_test(a_wrong_member_is_named_and_nothing_is_written),
        cmocka_unit_test(a_name_that_the_directory_needs_is_not_data),
        cmocka_unit_test(what_is_there_stays),
        cmocka_unit_test(a_fault_leaves_no_half_a_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
