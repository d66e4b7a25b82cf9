/* The table of hostile names at the doors where names come in: archives, folders of files, documents of pipelines,
 * pages and pictures. Each is refused in words or kept exactly, and nothing appears but where it belongs. */
#include "base/json.h"
#include "store/archive_support.h"
#include "support/hostile_names.h"
#include <ftw.h>

/* ---- what may not happen ----------------------------------------------------------------------------------------- */

static int canaries;

static int count_canary(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type;
    canaries += strcmp(path + at->base, "canary") == 0;
    return 0;
}

/* One canary: the one that was put there, alive. */
static void check_outside(const char *folder, const char *name)
{
    mlp_buf text = {0};
    canaries = 0;
    assert_int_equal(nftw(folder, count_canary, 16, FTW_PHYS), 0);
    if (canaries != 1 || access("/canary", F_OK) == 0 ||
        mlp_file_read(test_path(folder, "canary"), 100, &text, NULL) != MLPLAT_OK || text.size != 5)
        fail_msg("'%s' led out: %d canaries", name, canaries);
    mlp_buf_free(&text);
}

static char *folder_with_canary(void)
{
    char *folder = two_folders();
    mlplat_error err = {0};
    assert_ok(mlp_file_write_atomic(test_path(folder, "canary"), "alive", 5, false, &err));
    return folder;
}

/* ---- archives ---------------------------------------------------------------------------------------------------- */

#define SUM "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

/* $ is the name. What becomes a path may be none of them; a name that becomes none may be kept. */
static const struct {
    const char *lines;
    bool is_path;
} archives[] = {
    {"{\"table\":\"experiments\",\"name\":\"e\"}\n{\"table\":\"runs\",\"experiment\":\"e\",\"run_uuid\":\"r1\"}\n"
     "{\"table\":\"artifacts\",\"run_uuid\":\"r1\",\"path\":$,\"size\":5,\"sha256\":\"" SUM "\"}\n",
     true},
    {"{\"table\":\"experiments\",\"name\":\"e\"}\n{\"table\":\"runs\",\"experiment\":\"e\",\"run_uuid\":$}\n"
     "{\"table\":\"artifacts\",\"run_uuid\":$,\"path\":\"canary\",\"size\":5,\"sha256\":\"" SUM "\"}\n",
     true},
    {"{\"table\":\"experiments\",\"name\":$}\n", false},
};

static void write_archive(const char *path, const char *lines, const char *name)
{
    mlp_manifest m = {0};
    mlp_buf text = {0};
    for (const char *at = lines; *at; at++)
        if (*at == '$')
            mlp_json_put_string(&text, name, strlen(name));
        else
            mlp_buf_putc(&text, *at);
    assert_false(text.failed);
    m.counts[MLP_EXPERIMENTS] = 1;
    m.counts[MLP_RUNS] = m.counts[MLP_STORE_TABLES] = strstr(lines, "artifacts") != NULL;
    craft(path, text.data, &m);
    mlp_manifest_free(&m);
    mlp_buf_free(&text);
}

static void check_kept(mlplat *ml, const char *name)
{
    const char *kept = "";
    mlplat_doc *doc = NULL;
    mlplat_error err = {0};
    assert_ok(mlplat_experiment_get_by_name(ml, name, &doc, &err));
    assert_ok(mlplat_doc_string(doc, "name", &kept, &err));
    assert_string_equal(kept, name);
    mlplat_doc_free(doc);
}

static void an_archive_leads_nowhere_by_its_names(void **state)
{
    (void)state;
    size_t refused = 0, kept = 0;
    char *folder = folder_with_canary();
    mlplat *ml = open_in(folder, "b");
    for (size_t i = 0; hostile_name(i); i++)
        for (size_t k = 0; k < sizeof archives / sizeof archives[0]; k++) {
            if (i % 4 && !archives[k].is_path)
                continue;
            mlplat_error err = {0};
            char *path = strdup(test_path(folder, "archive"));
            write_archive(path, archives[k].lines, hostile_name(i));
            mlplat_status s = mlplat_import(ml, path, NULL, NULL, &err);
            if (s == MLPLAT_OK ? archives[k].is_path : !(s == MLPLAT_CORRUPT && err.message[0]))
                fail_msg("'%s' in %s: %s: %s", hostile_name(i), archives[k].lines, mlplat_status_name(s), err.message);
            if (s == MLPLAT_OK && strlen(hostile_name(i)) <= 500) /* a longer one is found by its id alone */
                check_kept(ml, hostile_name(i));
            *(s == MLPLAT_OK ? &kept : &refused) += 1;
            check_outside(folder, hostile_name(i));
            mlp_file_remove_tree(path, NULL);
            free(path);
        }
    assert_true(refused > 400 && kept > 30);
    mlplat_close(ml);
    test_folder_remove(folder);
}

/* ---- folders ----------------------------------------------------------------------------------------------------- */

/* Those that a file can have: a file of this name in a folder that is logged. */
static void a_folder_with_a_hostile_name_is_refused_whole(void **state)
{
    (void)state;
    size_t tried = 0;
    char *folder = folder_with_canary(), *source = strdup(test_path(folder, "source"));
    mlplat *ml = open_in(folder, "b");
    mlplat_run *run = test_run_start(ml);
    for (size_t i = 0; hostile_name(i); i++) {
        const char *name = hostile_name(i);
        mlplat_error err = {0};
        mlplat_doc *doc = NULL;
        char uri[100];
        if (strchr(name, '/') || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || strlen(name) > 255)
            continue;
        tried++;
        assert_int_equal(mkdir(source, 0777), 0);
        assert_ok(mlp_file_write_atomic(test_path(source, name), "x", 1, false, &err));
        assert_status(mlplat_run_log_artifact(run, source, "logged", &err), MLPLAT_INVALID);
        assert_null(strchr(err.message, '\x1b')); /* the terminal is asked for nothing */
        snprintf(uri, sizeof uri, "runs:/%s/logged", mlplat_run_id(run));
        assert_ok(mlplat_artifact_list(ml, uri, &doc, &err));
        assert_non_null(strstr(mlplat_doc_text(doc), "\"files\":[]"));
        mlplat_doc_free(doc);
        check_outside(folder, name);
        assert_ok(mlp_file_remove_tree(source, &err));
    }
    assert_in_range(tried, 20, 200);
    mlplat_run_free(run);
    mlplat_close(ml);
    free(source);
    test_folder_remove(folder);
}

/* ---- pipelines --------------------------------------------------------------------------------------------------- */

/* $T, $A and $P: the names of a task, of an artifact that it writes, of a parameter that it writes. */
static const char document[] =
    "{\"pipelineInfo\":{\"name\":\"p\"},\"schemaVersion\":\"2.1.0\",\"deploymentSpec\":{\"executors\":{\"e\":{"
    "\"container\":{\"image\":\"i\",\"command\":[\"/bin/sh\",\"-c\",\"for f in \\\"$@\\\"; do echo 7 > \\\"$f\\\"; "
    "done\",\"sh\",$a,$p]}}}},\"components\":{\"c\":{\"executorLabel\":\"e\",\"outputDefinitions\":{"
    "\"artifacts\":{$A:{\"artifactType\":{\"schemaTitle\":\"system.Artifact\"}}},"
    "\"parameters\":{$P:{\"parameterType\":\"NUMBER_INTEGER\"}}}}},\"root\":{\"dag\":{\"tasks\":{$T:{"
    "\"componentRef\":{\"name\":\"c\"},\"taskInfo\":{\"name\":\"x\"}}}}}}";

static mlplat_status make_document(const char *const names[3], mlplat_doc **out, mlplat_error *err)
{
    mlp_buf text = {0}, word = {0};
    for (const char *at = document; *at; at++) {
        const char *which = *at == '$' && at[1] ? strchr("TAPap", at[1]) : NULL;
        if (!which) {
            mlp_buf_putc(&text, *at);
            continue;
        }
        size_t k = (size_t)(strchr("TAP", *which & ~32) - "TAP");
        word.size = 0;
        if (*which == 'a')
            mlp_buf_printf(&word, "{{$.outputs.artifacts['%s'].path}}", names[k]);
        else if (*which == 'p')
            mlp_buf_printf(&word, "{{$.outputs.parameters['%s'].output_file}}", names[k]);
        else
            mlp_buf_puts(&word, names[k]);
        mlp_json_put_string(&text, word.data, word.size);
        at++;
    }
    assert_false(text.failed);
    mlplat_status s = mlplat_doc_parse(text.data, text.size, out, err);
    mlp_buf_free(&text);
    mlp_buf_free(&word);
    return s;
}

/* What it says it wrote is in the folder of its own task, below the name that was asked for. */
static void check_written(const mlplat_doc *result, const char *root, const char *const names[3])
{
    const json_t *doc = mlp_doc_json(result), *task = json_array_get(json_object_get(doc, "tasks"), 0);
    const json_t *artifacts = json_object_get(json_object_get(json_object_get(task, "outputs"), "artifacts"), names[1]);
    char want[6000];
    assert_string_equal(json_string_value(json_object_get(task, "name")), names[0]);
    snprintf(want, sizeof want, "%s/%s/%s/outputs/%s", root, json_string_value(json_object_get(doc, "run_id")),
             names[0], names[1]);
    assert_string_equal(json_string_value(json_object_get(artifacts, "uri")), want);
    assert_int_equal(access(want, F_OK), 0);
}

static bool is_taken(const char *const names[3])
{
    mlplat_error err = {0};
    mlplat_doc *ir = NULL;
    mlplat_status s = make_document(names, &ir, &err);
    if (s == MLPLAT_OK)
        s = mlplat_pipeline_validate(ir, &err);
    if (s != MLPLAT_OK && (s != MLPLAT_INVALID || !err.message[0]))
        fail_msg("'%s', '%s', '%s': %s: %s", names[0], names[1], names[2], mlplat_status_name(s), err.message);
    mlplat_doc_free(ir);
    return s == MLPLAT_OK;
}

static void run_with(mlplat *ml, const char *folder, const char *const names[3])
{
    mlplat_error err = {0};
    mlplat_doc *ir = NULL, *result = NULL;
    mlplat_pipeline_options o = MLPLAT_PIPELINE_OPTIONS_INIT;
    char root[1200];
    snprintf(root, sizeof root, "%s/root", folder);
    o.root = root;
    assert_ok(make_document(names, &ir, &err));
    assert_ok(mlplat_pipeline_run(ml, ir, &o, &result, &err));
    check_written(result, root, names);
    mlplat_doc_free(result);
    mlplat_doc_free(ir);
}

static void a_pipeline_writes_nowhere_by_its_names(void **state)
{
    (void)state;
    char *folder = folder_with_canary();
    mlplat *ml = open_in(folder, "b");
    size_t ran = 0, names = 0;
    for (size_t i = 0; hostile_name(i); i++, names++) {
        const char *name = hostile_name(i);
        bool task = is_taken((const char *const[]){name, "made", "told"});
        bool artifact = is_taken((const char *const[]){"task", name, "told"});
        bool parameter = is_taken((const char *const[]){"task", "made", name});
        if (task)
            run_with(ml, folder, (const char *const[]){name, artifact ? name : "made", parameter ? name : "told"});
        check_outside(folder, name);
        ran += task && artifact;
    }
    assert_true(ran > 10 && ran < names / 4);
    mlplat_close(ml);
    test_folder_remove(folder);
}

static void a_builder_takes_no_hostile_name(void **state)
{
    (void)state;
    const char *const argv[] = {"true"};
    for (size_t i = 0; hostile_name(i); i++) {
        mlplat_error err = {0};
        mlplat_component *c = NULL;
        mlplat_pipeline *p = NULL;
        mlplat_task *task = NULL;
        assert_ok(mlplat_component_container("c", "i", argv, 1, &c, &err));
        assert_status(mlplat_component_input(c, hostile_name(i), "STRING", 0, &err), MLPLAT_INVALID);
        assert_status(mlplat_component_output(c, hostile_name(i), "STRING", &err), MLPLAT_INVALID);
        assert_status(mlplat_pipeline_new(hostile_name(i), NULL, &p, &err), MLPLAT_INVALID);
        assert_ok(mlplat_pipeline_new("p", NULL, &p, &err));
        if (mlplat_pipeline_task(p, c, hostile_name(i), &task, &err) == MLPLAT_OK) {
            const char *id = mlplat_task_name(task); /* as kfp makes names: letters, digits, dashes */
            assert_int_equal(strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789-"), strlen(id));
        } else {
            assert_int_equal(err.status, MLPLAT_INVALID);
        }
        mlplat_pipeline_free(p);
        mlplat_component_free(c);
    }
}

/* ---- pages and pictures ------------------------------------------------------------------------------------------ */

static const char *const markup[] = {
    "<script>alert(1)</script>", "</td></table><script src=//x>",   "\" onmouseover=\"alert(1)",
    "' onload='alert(1)",        "<img src=x onerror=alert(1)>",    "]]><script>",
    "--><svg onload=alert(1)>",  "</style><script>",                "&lt;script&gt;",
    "&#60;script&#62;",          "javascript:alert(1)",             "</svg><script>alert(1)</script>",
    "<!--",                      "\xe2\x80\xae<\xe2\x80\xa8script", "{{7*7}}<?php",
};
enum { MARKUP = sizeof markup / sizeof markup[0] };

static const char *nasty(size_t i)
{
    return i < MARKUP ? markup[i] : hostile_name(i - MARKUP);
}

static json_t *pair(const char *name)
{
    return json_pack("[{s:o, s:o}]", "key", mlp_json_string(name), "value", mlp_json_string(name));
}

static char *page_of(int kind, const char *name)
{
    mlplat_error err = {0};
    mlplat_doc *doc = NULL;
    char *html = NULL;
    json_t *s = mlp_json_string(name);
    json_t *json =
        kind == 0 ? json_pack("{s:{s:O, s:O, s:O, s:s, s:O, s:O}, s:{s:o, s:o, s:o}}", "info", "run_id", s, "run_name",
                              s, "experiment_id", s, "status", "FINISHED", "user_id", s, "artifact_uri", s, "data",
                              "metrics", json_pack("[{s:O, s:f}]", "key", s, "value", 1.0), "params", pair(name),
                              "tags", pair(name))
        : kind == 1 ? json_pack("{s:O, s:s, s:O, s:O, s:O, s:[O], s:o}", "name", s, "version", "1", "current_stage", s,
                                "source", s, "description", s, "aliases", s, "tags", pair(name))
        : kind == 2 ? json_pack("{s:O, s:O, s:s, s:s, s:O, s:o}", "experiment_id", s, "name", s, "lifecycle_stage",
                                "active", "creation_time", "1", "artifact_location", s, "tags", pair(name))
                    : json_pack("{s:O, s:O, s:s, s:O, s:[{s:O, s:s, s:f, s:O, s:{s:{s:O}}}]}", "run_id", s, "pipeline",
                                s, "state", "FAILED", "error", s, "tasks", "name", s, "state", "FAILED", "seconds", 1.0,
                                "error", s, "outputs", "parameters", "told", s);
    assert_ok(mlp_doc_new(json, &doc, &err));
    assert_ok(kind == 0   ? mlplat_run_html(NULL, doc, &html, &err)
              : kind == 1 ? mlplat_model_version_html(NULL, doc, &html, &err)
              : kind == 2 ? mlplat_experiment_html(NULL, doc, &html, &err)
                          : mlplat_pipeline_run_html(doc, &html, &err));
    mlplat_doc_free(doc);
    json_decref(s);
    return html;
}

static char *picture_of(const char *name)
{
    const double y[] = {1, 2};
    mlplat_error err = {0};
    mlplat_plot_options o = MLPLAT_PLOT_OPTIONS_INIT;
    char *svg = NULL;
    o.title = o.x_label = o.y_label = name;
    assert_ok(mlplat_plot(&(mlplat_plot_series){name, NULL, y, 2}, 1, &o, &svg, &err));
    return svg;
}

static size_t count_of(const char *text, char c)
{
    size_t n = 0;
    for (; *text; text++)
        n += *text == c;
    return n;
}

/* A name adds no tag and ends no attribute: there are as many of both as with a plain one. A long one is cut, and
 * stands whole in an attribute. */
static void check_harmless(const char *text, const char *plain, const char *name)
{
    for (const char *p = text; *p; p++)
        assert_true(*p >= 0x20 && *p < 0x7f);
    if (strlen(name) > 200)
        return;
    if (count_of(text, '<') != count_of(plain, '<') || count_of(text, '"') != count_of(plain, '"') ||
        count_of(text, '\'') != count_of(plain, '\''))
        fail_msg("'%s' changes what is around it: %s", name, text);
}

static void no_name_is_markup_in_a_page(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        char *plain = page_of(kind, "plain");
        for (size_t i = 0; nasty(i); i++) {
            char *html = page_of(kind, nasty(i));
            check_harmless(html, plain, nasty(i));
            mlplat_free(html);
        }
        mlplat_free(plain);
    }
}

static void no_name_is_markup_in_a_picture(void **state)
{
    (void)state;
    char *plain = picture_of("plain");
    for (size_t i = 0; nasty(i); i++) {
        char *svg = picture_of(nasty(i));
        check_harmless(svg, plain, nasty(i));
        mlplat_free(svg);
    }
    mlplat_free(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_archive_leads_nowhere_by_its_names),
        cmocka_unit_test(a_folder_with_a_hostile_name_is_refused_whole),
        cmocka_unit_test(a_pipeline_writes_nowhere_by_its_names),
        cmocka_unit_test(a_builder_takes_no_hostile_name),
        cmocka_unit_test(no_name_is_markup_in_a_page),
        cmocka_unit_test(no_name_is_markup_in_a_picture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
