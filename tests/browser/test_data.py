"""A person loads data into the page, searches it, and starts a job from some of its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from playwright.sync_api import expect

if TYPE_CHECKING:
    from pathlib import Path

    from tests.browser.forms import Forms


WEATHER = "id,city,value,when.day\n" + "".join(
    f"{i},{('Seattle', 'Yuma')[i % 2]},{i / 2},2026-01-{i % 28 + 1:02}\n" for i in range(250)
)

DROP = """([selector, name, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name));
  for (const kind of ["dragover", "drop"]) {
    const event = new DragEvent(kind, { dataTransfer: data, bubbles: true, cancelable: true });
    document.querySelector(selector).dispatchEvent(event);
  }
}"""


def _load(forms: Forms, dataset: str) -> Any:
    forms.client.load_data(WEATHER.encode(), dataset=dataset, media_type="text/csv")
    page = forms.open(f"data/{dataset}")
    expect(page.get_by_role("table")).to_be_visible()
    return page


def test_a_dropped_file_is_loaded_and_browsed_page_by_page(forms: Forms):
    page = forms.open("data")
    page.get_by_label("Into the data set").fill("dropped")
    expect(page.get_by_role("button", name="Choose a file")).to_be_enabled()
    page.evaluate(DROP, [".drop", "weather.csv", WEATHER])
    expect(page.get_by_text("weather.csv: 250 records loaded")).to_be_visible()
    expect(page.get_by_text("records/s")).to_be_visible()
    page.get_by_role("link", name="Browse dropped").click()
    expect(page.get_by_text("250 records, the first 100 shown")).to_be_visible()
    expect(page.get_by_role("img", name="value: between 0 and 124.5")).to_be_visible()
    expect(page.get_by_text("The small histograms are of all 250 records.")).to_be_visible()
    page.get_by_role("button", name="Show 100 more").click()
    page.get_by_role("button", name="Show 50 more").click()
    expect(page.get_by_role("img", name="value: 0 to 124.5, mean 62.25")).to_be_visible()
    expect(page.get_by_role("button", name="Row 249, all of it")).to_be_visible()


def test_a_chosen_file_with_a_bad_row_names_it_and_loads_nothing(forms: Forms, tmp_path: Path):
    (tmp_path / "bad.csv").write_text("a,b\n1,2\n3\n")
    page = forms.open("data")
    page.get_by_label("Into the data set").fill("bad")
    page.locator("input[type=file]").set_input_files(tmp_path / "bad.csv")
    expect(page.get_by_role("alert")).to_contain_text("bad.csv: row 2 does not fit")
    expect(page.get_by_role("alert")).to_contain_text("Nothing was loaded.")
    assert "bad" not in {each["name"] for each in forms.client.datasets()}


def test_of_a_document_with_two_lists_a_person_says_which(forms: Forms, tmp_path: Path):
    (tmp_path / "two.json").write_text('{"a": {"docs": [{"x": 1}, {"x": 2}]}, "b": [{"y": 2}]}')
    page = forms.open("data")
    page.get_by_label("Into the data set").fill("two")
    page.locator("input[type=file]").set_input_files(tmp_path / "two.json")
    page.get_by_role("button", name="/a/docs").click()
    expect(page.get_by_text("two.json: 2 records loaded")).to_be_visible()


def test_records_are_found_as_one_types_and_the_address_holds_what_was_asked(forms: Forms):
    page = _load(forms, "searched")
    page.get_by_label("Search", exact=True).press_sequentially("yuma")
    expect(page.get_by_text("125 records found")).to_be_visible()
    expect(page.get_by_role("img", name="city: always Yuma")).to_be_visible()
    expect(page.get_by_role("img", name="value: between 0 and 124.5")).to_be_visible()
    expect(page.get_by_text("of all 125 records that were found.")).to_be_visible()
    page.get_by_role("button", name="Add a filter").click()
    filters = page.get_by_role("group", name="Filter 1")
    filters.get_by_label("Field", exact=True).select_option("value")
    filters.get_by_label("Value", exact=True).fill("100")
    expect(page.get_by_text("25 records found", exact=True)).to_be_visible()
    assert page.url.endswith("#/data/searched?search=yuma&value.gte=100")
    page.reload()
    expect(page.get_by_text("25 records found", exact=True)).to_be_visible()
    expect(page.get_by_label("Search", exact=True)).to_have_value("yuma")
    page.get_by_label("Search", exact=True).fill("nowhere")
    expect(page.get_by_text("No record fits")).to_be_visible()


def test_a_job_is_started_from_chosen_rows(forms: Forms):
    page = _load(forms, "chosen")
    page.get_by_label("Choose row 3", exact=True).check()
    page.get_by_label("Choose row 8", exact=True).click(modifiers=["Shift"])
    expect(page.get_by_text("6 rows chosen")).to_be_visible()
    page.get_by_role("link", name="draw: records 3 to 8").click()
    expect(forms.field("start")).to_have_value("3")
    assert forms.submit().params == {"start": 3, "end": 9, "dataset": "chosen"}


def test_rows_that_were_searched_for_start_a_job_by_their_ids(forms: Forms):
    page = _load(forms, "found")
    page.get_by_label("Search", exact=True).fill("seattle")
    expect(page.get_by_text("125 records found")).to_be_visible()
    page.get_by_label("Choose row 1", exact=True).check()
    page.get_by_label("Choose row 2", exact=True).check()
    page.get_by_role("link", name="picked: 2 ids").click()
    expect(page.get_by_role("button", name="Submit", exact=True)).to_be_visible()
    job = forms.client.wait_for_job(forms.submit().id, 30)
    assert (job.params, forms.client.get_results(job.id)) == ({"ids": [2, 4], "dataset": "found"}, 2)


def test_a_data_set_is_emptied_after_a_question(forms: Forms):
    page = _load(forms, "emptied")
    page.get_by_role("button", name="Empty emptied").click()
    page.get_by_role("dialog").get_by_role("button", name="Keep").click()
    assert next(forms.client.search_data(dataset="emptied"))["id"] == 0
    page.get_by_role("button", name="Empty emptied").click()
    page.get_by_role("dialog").get_by_role("button", name="Empty it").click()
    expect(page.get_by_text("It is empty")).to_be_visible()
    assert list(forms.client.search_data(dataset="emptied")) == []
