/* Pages: what they show, that no text does harm, that they fit whatever they are given, and that memory may run out. */
#include "support/scarce_memory.h"
#include "support/support.h"
#include <stdbool.h>
#include <stdlib.h>

static mlplat_doc *parse(const char *text)
{
    mlplat_doc *doc = NULL;
    mlplat_error err = {0};
    assert_ok(mlplat_doc_parse(text, strlen(text), &doc, &err));
    return doc;
}

/* What every page keeps to: one element, ASCII, within its limit, each tag closed, no script. */
static char *checked(char *html)
{
    static const char *const tags[] = {"div", "table", "tbody", "tr", "td", "span", "svg", "details", "b"};
    assert_non_null(html);
    assert_true(strlen(html) <= MLPLAT_HTML_LIMIT);
    assert_ptr_equal(strstr(html, "<div class=\"mlplat\"><style>"), html);
    for (const char *p = html; *p; p++)
        assert_true(*p >= 0x20 && *p < 0x7f);
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        char open[2][16], close[16];
        int depth = 0;
        snprintf(open[0], sizeof open[0], "<%s>", tags[i]);
        snprintf(open[1], sizeof open[1], "<%s ", tags[i]);
        snprintf(close, sizeof close, "</%s>", tags[i]);
        for (const char *p = html; *p; p++)
            depth += !strncmp(p, open[0], strlen(open[0])) || !strncmp(p, open[1], strlen(open[1]))
                         ? 1
                         : -!strncmp(p, close, strlen(close));
        if (depth)
            fail_msg("%d <%s> stay open: %s", depth, tags[i], html);
    }
    assert_null(strstr(html, "<script"));
    assert_null(strstr(html, "\" onerror")); /* a quote of the text ends no attribute */
    assert_null(strstr(html, "src="));
    assert_null(strstr(html, "href="));
    return html;
}

/* JSON with ' for ", and "$f" for the info of a run of that letter. */
static mlplat_doc *quoted(const char *text)
{
    char *json = malloc(strlen(text) * 60 + 1), *to = json;
    for (const char *at = text; *at; at++) {
        if (*at != '$') {
            *to++ = *at == '\'' ? '"' : *at;
            continue;
        }
        at++;
        to += sprintf(to,
                      "\"info\": {\"run_id\": \"%c-id\", \"run_name\": \"%c\", \"experiment_id\": \"1\", \"status\": "
                      "\"FINISHED\", \"start_time\": 1795824000000, \"end_time\": 1795824125000}",
                      *at, *at);
    }
    *to = 0;
    mlplat_doc *doc = parse(json);
    free(json);
    return doc;
}

static void a_run_shows_its_parts(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *html = NULL;
    mlplat_doc *run = quoted("{$f, 'data': {'metrics': [{'key': 'loss', 'value': 0.25, 'step': 7}, {'key': 'odd', "
                             "'value': 'NaN'}, {'key': 'big', 'value': '-Infinity'}], 'params': [{'key': 'depth', "
                             "'value': '6'}], 'tags': [{'key': 'team', 'value': 'risk'}, {'key': 'mlflow.source.name', "
                             "'value': 'train.py'}]}}");
    assert_ok(mlplat_run_html(NULL, run, &html, &err));
    static const char *const shown[] = {">f<",       ">FINISHED<", "f-id",   "2026-11-28 00:00:00 UTC",
                                        "2 min 5 s", ">loss<",     ">0.25<", ">NaN<",
                                        "-&#8734;",  ">depth<",    ">6<",    ">team<",
                                        ">train.py<"};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        if (!strstr(checked(html), shown[i]))
            fail_msg("no %s in %s", shown[i], html);
    assert_null(strstr(html, ">mlflow.source.name<")); /* told above, not among the tags */
    assert_null(strstr(html, "<svg"));
    mlplat_free(html);
    mlplat_doc_free(run);
}

static void runs_have_the_commonest_keys_as_columns(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *html = NULL;
    mlplat_doc *runs = quoted(
        "{'runs': [{$a, 'data': {'metrics': [{'key': 'rare', 'value': 1}, {'key': 'loss', 'value': 2}]}}, {$b, "
        "'data': {'metrics': [{'key': 'loss', 'value': 3}], 'params': [{'key': 'depth', 'value': '6'}]}}, {$c}]}");
    assert_ok(mlplat_run_search_html(runs, &html, &err));
    const char *rare = strstr(checked(html), ">rare<"), *loss = strstr(html, ">loss<"),
               *depth = strstr(html, ">depth<");
    assert_true(rare && loss > rare && depth > loss);
    mlplat_free(html);
    mlplat_doc_free(runs);
    runs = parse("{\"runs\": []}");
    assert_ok(mlplat_run_search_html(runs, &html, &err));
    assert_non_null(strstr(checked(html), "no runs"));
    mlplat_free(html);
    mlplat_doc_free(runs);
}

static void a_comparison_marks_the_best_and_shows_what_differs(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *html = NULL;
    mlplat_doc *runs = quoted(
        "{'runs': [{$a, 'data': {'metrics': [{'key': 'loss', 'value': 0.5}, {'key': 'val_auc', 'value': 0.8}, {'key': "
        "'size', 'value': 9}], 'params': [{'key': 'depth', 'value': '6'}, {'key': 'seed', 'value': '1'}, {'key': "
        "'only', "
        "'value': 'a'}]}}, {$b, 'data': {'metrics': [{'key': 'loss', 'value': 0.25}, {'key': 'val_auc', 'value': "
        "0.75}, "
        "{'key': 'size', 'value': 7}], 'params': [{'key': 'depth', 'value': '8'}, {'key': 'seed', 'value': '1'}]}}]}");
    assert_ok(mlplat_run_compare_html(NULL, runs, NULL, &html, &err));
    assert_non_null(strstr(checked(html), "title=\"best\">0.25<"));
    assert_non_null(strstr(html, "title=\"best\">0.8<"));
    assert_null(strstr(html, "title=\"best\">9<")); /* nobody knows which size is better */
    assert_null(strstr(html, "title=\"best\">7<"));
    assert_non_null(strstr(html, "<td>depth</td>"));
    assert_non_null(strstr(html, "<td>only</td>"));
    assert_null(strstr(html, "<td>seed</td>"));
    assert_non_null(strstr(html, "1 param is the same in all"));
    mlplat_free(html);
    mlplat_doc_free(runs);
}

static void a_model_version_shows_where_it_stands(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *html = NULL;
    mlplat_doc *version =
        quoted("{'name': 'fraud', 'version': '3', 'current_stage': 'Production', 'aliases': "
               "['champion'], 'source': 'runs:/x/model', 'status': 'READY', 'tags': [{'key': 'owner', "
               "'value': 'risk'}], 'description': 'a < b'}");
    assert_ok(mlplat_model_version_html(NULL, version, &html, &err));
    static const char *const shown[] = {">fraud<",       "v3<",     ">Production<", "@champion<",
                                        "runs:/x/model", ">owner<", "a &lt; b"};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        assert_non_null(strstr(checked(html), shown[i]));
    mlplat_free(html);
    mlplat_doc_free(version);
}

static void a_pipeline_run_shows_when_its_tasks_ran(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *html = NULL;
    mlplat_doc *result = parse(
        "{\"run_id\": \"r\", \"pipeline\": \"p\", \"state\": \"FAILED\", \"tasks\": [{\"name\": \"one\", \"state\": "
        "\"SUCCEEDED\", \"seconds\": 6.0, \"start_time\": 1000000, \"outputs\": {\"parameters\": {\"rows\": 12}, "
        "\"artifacts\": {\"data\": {}}}}, {\"name\": \"two\", \"state\": \"FAILED\", \"seconds\": 4, \"start_time\": "
        "1006000, \"error\": \"it <broke>\"}, {\"name\": \"three\", \"state\": \"SKIPPED\", \"seconds\": 0}]}");
    assert_ok(mlplat_pipeline_run_html(result, &html, &err));
    assert_non_null(strstr(checked(html), "x=\"0\" width=\"144\"")); /* 6 of 10 seconds of 240 pixels */
    assert_non_null(strstr(html, "x=\"144\" width=\"96\""));
    assert_non_null(strstr(html, "rows = 12, data"));
    assert_non_null(strstr(html, "it &lt;broke&gt;"));
    assert_non_null(strstr(html, ">SKIPPED<"));
    mlplat_free(html);
    mlplat_doc_free(result);
}

/* ---- hostile ----------------------------------------------------------------------------------------------------- */

/* A JSON text with more of everything than fits, each of it as bad as it can be. */
static char *flood(const char *item, size_t n)
{
    size_t room = n * (strlen(item) + 8000) + 100;
    char *out = malloc(room), *at = out;
    for (size_t i = 0; i < n; i++) {
        at += snprintf(at, room - (size_t)(at - out),
                       "%s{\"key\": \"k%zu <script>\\\" onerror= \\u202e\", \"value\": \"", i ? "," : "", i);
        for (int k = 0; k < 1200; k++)
            at += snprintf(at, 8, "%s", k % 3 ? "\xf0\x9f\x92\xa3" : "<");
        at += snprintf(at, 8, "\"}");
    }
    return out;
}

static mlplat_doc *hostile(const char *format, size_t copies)
{
    char *pairs = flood("", 60), *text = malloc(strlen(format) + copies * (strlen(pairs) * 4 + 4000) + 100);
    char *at = text;
    for (const char *p = format; *p; p++)
        if (*p == '@')
            at += sprintf(at, "[%s]", pairs);
        else if (*p == '#')
            at += sprintf(at, "\"<script>alert(1)</script>' onerror= \\u0007\\u202e%0600d\"", 7);
        else
            *at++ = *p;
    *at = 0;
    mlplat_doc *doc = parse(text);
    free(pairs);
    free(text);
    return doc;
}

#define EVIL_RUN                                                                                                       \
    "{\"info\": {\"run_id\": #, \"run_name\": #, \"experiment_id\": #, \"user_id\": #, \"status\": #, "                \
    "\"start_time\": "                                                                                                 \
    "1.5e300, \"end_time\": #, \"artifact_uri\": #}, \"data\": {\"metrics\": @, \"params\": @, \"tags\": @}}"

static void whatever_it_is_given_a_page_fits_and_is_harmless(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *html = NULL;
    mlplat_doc *run = hostile(EVIL_RUN, 1);
    assert_ok(mlplat_run_html(NULL, run, &html, &err));
    assert_non_null(strstr(checked(html), "[U+202E]"));
    mlplat_free(html);
    mlplat_doc_free(run);

    mlplat_doc *runs = hostile("{\"runs\": [" EVIL_RUN "," EVIL_RUN "," EVIL_RUN ", 7, [], {}, null]}", 3);
    assert_ok(mlplat_run_search_html(runs, &html, &err));
    mlplat_free(checked(html));
    assert_ok(mlplat_run_compare_html(NULL, runs, NULL, &html, &err));
    mlplat_free(checked(html));
    mlplat_doc_free(runs);

    mlplat_doc *doc = hostile("{\"experiment_id\": #, \"name\": #, \"lifecycle_stage\": #, \"artifact_location\": #, "
                              "\"creation_time\": -5, \"tags\": @}",
                              1);
    assert_ok(mlplat_experiment_html(NULL, doc, &html, &err));
    mlplat_free(checked(html));
    mlplat_doc_free(doc);

    doc =
        hostile("{\"name\": #, \"version\": #, \"current_stage\": #, \"source\": #, \"description\": #, \"run_id\": #, "
                "\"user_id\": #, \"status\": #, \"aliases\": [#, #, #, #, #, #, #, #, #, #, #, #, #, #], \"tags\": @}",
                1);
    assert_ok(mlplat_model_version_html(NULL, doc, &html, &err));
    mlplat_free(checked(html));
    mlplat_doc_free(doc);

    doc =
        hostile("{\"run_id\": #, \"pipeline\": #, \"state\": #, \"error\": #, \"tasks\": [{\"name\": #, \"state\": #, "
                "\"error\": #, \"seconds\": 1e308, \"start_time\": 9000000000000000000, \"outputs\": {\"parameters\": "
                "{\"a\": @, \"b\": #}, \"artifacts\": @}}, 1, null, {\"start_time\": 1, \"seconds\": \"NaN\"}]}",
                1);
    assert_ok(mlplat_pipeline_run_html(doc, &html, &err));
    mlplat_free(checked(html));
    mlplat_doc_free(doc);
}

static void other_documents_are_refused(void **state)
{
    (void)state;
    mlplat_error err = {0};
    char *html = NULL;
    static const char *const texts[] = {"{}", "[]", "7",
                                        "{\"runs\": {}, \"info\": 1, \"tasks\": null, \"version\": 3}"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        mlplat_doc *doc = parse(texts[i]);
        assert_status(mlplat_run_html(NULL, doc, &html, &err), MLPLAT_INVALID);
        assert_status(mlplat_experiment_html(NULL, doc, &html, &err), MLPLAT_INVALID);
        assert_status(mlplat_run_search_html(doc, &html, &err), MLPLAT_INVALID);
        assert_status(mlplat_run_compare_html(NULL, doc, NULL, &html, &err), MLPLAT_INVALID);
        assert_status(mlplat_model_version_html(NULL, doc, &html, &err), MLPLAT_INVALID);
        assert_status(mlplat_pipeline_run_html(doc, &html, &err), MLPLAT_INVALID);
        assert_null(html);
        mlplat_doc_free(doc);
    }
}

/* ---- with a session ---------------------------------------------------------------------------------------------- */

typedef struct place {
    char *folder;
    mlplat *ml;
    char ids[2][40];
} place;

static int set_up(void **state)
{
    place *p = calloc(1, sizeof *p);
    mlplat_error err = {0};
    p->folder = test_folder_make();
    p->ml = test_open(p->folder);
    for (int i = 0; i < 2; i++) {
        mlplat_run *run = NULL;
        mlplat_run_options options = MLPLAT_RUN_OPTIONS_INIT;
        options.name = i ? "second" : "first";
        assert_ok(mlplat_run_start(p->ml, &options, &run, &err));
        snprintf(p->ids[i], sizeof p->ids[i], "%s", mlplat_run_id(run));
        for (int step = 0; step < 100; step++)
            assert_ok(mlplat_run_log_metric(run, "loss", 1.0 / (step + 1 + i), step, &err));
        assert_ok(mlplat_run_log_metric(run, "once", 3, 0, &err));
        assert_ok(mlplat_run_end(run, NULL, &err));
        mlplat_run_free(run);
    }
    *state = p;
    return 0;
}

static int tear_down(void **state)
{
    place *p = *state;
    mlplat_close(p->ml);
    test_folder_remove(p->folder);
    free(p);
    return 0;
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        n++;
    return n;
}

/* A model of tensors and columns, as MLflow tells them. */
static void a_version_shows_the_signature_of_its_model(void **state)
{
    place *p = *state;
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_doc *version = NULL;
    mlplat_model model = MLPLAT_MODEL_INIT;
    char *html = NULL, *uri = NULL;
    int64_t number = 0;
    model.loader_module = "mlflow.sklearn";
    model.signature =
        "{\"inputs\": [{\"type\": \"tensor\", \"tensor-spec\": {\"dtype\": \"float64\", \"shape\": [-1, 28, 28]}}],"
        "\"outputs\": [{\"name\": \"risk <b>\", \"type\": \"double\", \"required\": false}],"
        "\"params\": [{\"name\": \"threshold\", \"type\": \"double\", \"default\": 0.5}]}";
    assert_ok(mlplat_run_attach(p->ml, p->ids[0], &run, &err));
    assert_ok(mlplat_run_log_model(run, &model, "model", &uri, &err));
    assert_ok(mlplat_model_version_create(p->ml, "fraud", uri, NULL, &number, &err));
    assert_ok(mlplat_model_version_get(p->ml, "fraud", "1", &version, &err));
    assert_ok(mlplat_model_version_html(p->ml, version, &html, &err));
    static const char *const shown[] = {">Signature", "float64 (-1, 28, 28)", ">risk &lt;b&gt;<", ">optional<",
                                        ">threshold<"};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        if (!strstr(checked(html), shown[i]))
            fail_msg("no %s in %s", shown[i], html);
    mlplat_free(html);
    assert_ok(mlplat_model_version_html(NULL, version, &html, &err));
    assert_null(strstr(checked(html), ">Signature")); /* nobody was asked */
    mlplat_free(html);
    mlplat_free(uri);
    mlplat_doc_free(version);
    mlplat_run_free(run);
}

/* What a run read, what was noted of it, that it is deleted. */
static void a_run_shows_its_datasets_and_note(void **state)
{
    place *p = *state;
    mlplat_error err = {0};
    mlplat_run *run = NULL;
    mlplat_doc *doc = NULL;
    char *html = NULL;
    assert_ok(mlplat_run_attach(p->ml, p->ids[0], &run, &err));
    assert_ok(mlplat_run_set_tag(run, "mlflow.note.content", "why <so>", &err));
    assert_ok(mlplat_run_log_inputs(run,
                                    "{\"datasets\": [{\"dataset\": {\"name\": \"cards\", \"digest\": \"d<1\", "
                                    "\"source_type\": \"local\", \"source\": \"x\"}}]}",
                                    &err));
    mlplat_run_free(run);
    assert_ok(mlplat_run_delete(p->ml, p->ids[0], &err));
    assert_ok(mlplat_run_get(p->ml, p->ids[0], &doc, &err));
    assert_ok(mlplat_run_html(p->ml, doc, &html, &err));
    static const char *const shown[] = {">Datasets", "cards", "d&lt;1", "why &lt;so&gt;", "deleted"};
    for (size_t i = 0; i < sizeof shown / sizeof shown[0]; i++)
        if (!strstr(checked(html), shown[i]))
            fail_msg("no %s in %s", shown[i], html);
    mlplat_free(html);
    mlplat_doc_free(doc);
}

static void a_session_adds_what_its_store_has(void **state)
{
    place *p = *state;
    mlplat_error err = {0};
    mlplat_doc *run = NULL, *runs = NULL, *experiment = NULL;
    char *html = NULL;
    assert_ok(mlplat_run_get(p->ml, p->ids[0], &run, &err));
    assert_ok(mlplat_run_html(p->ml, run, &html, &err));
    assert_int_equal(count(checked(html), "<svg"), 1); /* of loss; once has one point */
    mlplat_free(html);
    assert_ok(mlplat_run_search(p->ml, NULL, &runs, &err));
    assert_ok(mlplat_run_compare_html(p->ml, runs, NULL, &html, &err));
    assert_int_equal(count(checked(html), "<svg"), 1);
    mlplat_free(html);
    assert_ok(mlplat_run_compare_html(p->ml, runs, "once, loss", &html, &err));
    assert_int_equal(count(checked(html), "<svg"), 2);
    mlplat_free(html);
    assert_status(mlplat_run_compare_html(p->ml, runs, "loss,,once", &html, &err), MLPLAT_INVALID);
    assert_ok(mlplat_experiment_get(p->ml, "0", &experiment, &err));
    assert_ok(mlplat_experiment_html(p->ml, experiment, &html, &err));
    assert_true(strstr(checked(html), ">first<") && strstr(html, ">second<"));
    mlplat_free(html);
    mlplat_doc_free(run);
    mlplat_doc_free(runs);
    mlplat_doc_free(experiment);
}

static void metrics_of_runs_are_drawn(void **state)
{
    place *p = *state;
    mlplat_error err = {0};
    char *svg = NULL, both[90];
    snprintf(both, sizeof both, "%s, %s", p->ids[0], p->ids[1]);
    assert_ok(mlplat_metric_plot(p->ml, p->ids[0], "loss", NULL, &svg, &err));
    assert_non_null(strstr(svg, ">first<"));
    mlplat_free(svg);
    assert_ok(mlplat_metric_plot(p->ml, both, "loss,once,nothing", NULL, &svg, &err));
    assert_non_null(strstr(svg, ">second: once<"));
    assert_non_null(strstr(svg, "stroke-dasharray"));
    mlplat_free(svg);
    static const struct {
        const char *runs, *keys;
        mlplat_status want;
    } wrong[] = {{"0123456789abcdef0123456789abcdef", "loss", MLPLAT_NOT_FOUND},
                 {"x", "loss", MLPLAT_NOT_FOUND},
                 {"", "loss", MLPLAT_INVALID},
                 {NULL, "loss", MLPLAT_INVALID},
                 {"0123456789abcdef0123456789abcdef", NULL, MLPLAT_INVALID}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_status(mlplat_metric_plot(p->ml, wrong[i].runs, wrong[i].keys, NULL, &svg, &err), wrong[i].want);
        assert_null(svg);
    }
    assert_status(mlplat_metric_plot(NULL, p->ids[0], "loss", NULL, &svg, &err), MLPLAT_INVALID);
}

/* ---- memory ------------------------------------------------------------------------------------------------------ */

static void memory_that_runs_out_is_told_and_leaks_nothing(void **state)
{
    place *p = *state;
    mlplat_error err = {0};
    mlplat_doc *runs = NULL, *run = NULL;
    assert_ok(mlplat_run_search(p->ml, NULL, &runs, &err));
    assert_ok(mlplat_run_get(p->ml, p->ids[0], &run, &err));
    for (int what = 0; what < 6; what++) {
        bool reached = true;
        for (long n = 0; reached; n++) {
            struct ArrowArrayStream stream = {0};
            char *out = NULL;
            mlplat_plot_options o = MLPLAT_PLOT_OPTIONS_INIT;
            o.smoothing = 0.5;
            scarce_memory_arm(n);
            mlplat_status s = what == 0   ? mlplat_run_html(p->ml, run, &out, &err)
                : what == 1 ? mlplat_run_search_html(runs, &out, &err)
                : what == 2 ? mlplat_run_compare_html(p->ml, runs, "loss", &out, &err)
                : what == 3 ? mlplat_metric_plot(p->ml, p->ids[0], "loss", &o, &out, &err)
                : what == 4 ? mlplat_list_arrow(runs, &stream, &err)
                            : mlplat_metric_arrow(p->ml, p->ids[0], "loss", NULL, NULL, &stream, &err);
            reached = scarce_memory_disarm();
            if (s != MLPLAT_OK && (s != MLPLAT_NO_MEMORY || !reached))
                fail_msg("call %d, allocation %ld: %s: %s", what, n, mlplat_status_name(s), err.message);
            assert_int_equal(s == MLPLAT_OK, out || stream.release);
            mlplat_free(out);
            if (stream.release)
                stream.release(&stream);
        }
    }
    mlplat_doc_free(runs);
    mlplat_doc_free(run);
}

int main(void)
{
    scarce_memory_on();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_shows_its_parts),
        cmocka_unit_test(runs_have_the_commonest_keys_as_columns),
        cmocka_unit_test(a_comparison_marks_the_best_and_shows_what_differs),
        cmocka_unit_test(a_model_version_shows_where_it_stands),
        cmocka_unit_test(a_pipeline_run_shows_when_its_tasks_ran),
        cmocka_unit_test(whatever_it_is_given_a_page_fits_and_is_harmless),
        cmocka_unit_test(other_documents_are_refused),
        cmocka_unit_test_setup_teardown(a_version_shows_the_signature_of_its_model, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_run_shows_its_datasets_and_note, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_session_adds_what_its_store_has, set_up, tear_down),
        cmocka_unit_test_setup_teardown(metrics_of_runs_are_drawn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(memory_that_runs_out_is_told_and_leaks_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
