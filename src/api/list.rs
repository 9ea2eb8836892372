//! GET of the list of stages: permission, filters, search, order, page.

use uuid::Uuid;

use super::{answer::Answer, context::Context, error::Error};
use crate::{
    access::permission::MayList,
    contract::document::{ListDocument, StageDocument},
    http::query::Query,
    stage::{
        field::Field,
        filter::Filters,
        order::{Order, SortKey},
        paging::{Page, Paging},
        rules::ListRules,
        search::Search,
        stage::Stage,
        version::Stored,
    },
    store::{Documents, DocumentsTooLarge, Selection},
};

/// Maximum size of one page's documents in bytes. The trigger's own limit is checked when the
/// answer is complete; this one bounds memory while the answer is built.
const PAGE_BYTES_MAX: usize = 6 * 1024 * 1024;

/// Which stages a list shows, and in which order.
pub(super) struct Listing<'l, W, K> {
    pub search: &'l Search,
    /// Whether a stage that was found is wanted.
    pub is_wanted: W,
    pub sort_key: K,
    /// Whether the answer shows a field.
    pub is_shown: fn(Field) -> bool,
}

impl<W: Fn(&Stage) -> bool, K: Fn(&Stage) -> SortKey> Listing<'_, W, K> {
    fn finds(&self, stage: &Stage) -> bool {
        self.search.matches(&[stage.name()])
    }

    /// The sort key of a stage that was found, if the list shows it.
    fn key(&self, found: &Stage) -> Option<SortKey> {
        (self.is_wanted)(found).then(|| (self.sort_key)(found))
    }

    /// The same for any stage, from which the fields that the answer does not show are removed.
    fn show(&self, stage: &mut Stage) -> Option<SortKey> {
        let key = self.finds(stage).then(|| self.key(stage))?;
        for field in Field::all().filter(|field| !(self.is_shown)(*field)) {
            stage.set(field, None);
        }
        key
    }
}

/// Answers with one page of stages.
///
/// # Errors
///
/// See the status beside each line.
pub async fn list(cx: &Context<'_>) -> Result<Answer, Error> {
    let query = cx.request.query();
    let rules = cx.contract.list_rules(cx.secrets);
    let search = search(&query)?; // 400
    let may = cx.caller.may_list()?; // 403
    let mut filters = Filters::parse(|name| query.last(name), &rules);
    look_up_rows(cx, &mut filters).await?;
    let order = Order::parse(query.last("ordering"), &rules);
    let shows_secrets = cx.shows_secrets_of_each();
    let listing = Listing {
        search: &search,
        is_wanted: |stage: &Stage| filters.matches(stage, shows_secrets(stage.uuid)),
        sort_key: |stage: &Stage| order.key(stage, shows_secrets(stage.uuid)),
        is_shown: |_| true,
    };
    if may.stages().is_none() {
        check(&filters)?; // 400, before the table is read: the caller may view every stage
    }
    let selection = select(cx, &may, &rules, &listing).await?; // 403
    check(&filters)?; // 400
    let (page, stages) = one_page(cx, &query, &rules, selection, &listing).await?; // 404, 400
    let documents = stages.iter().map(|stored| StageDocument {
        contract: cx.contract,
        stage: &stored.stage,
        shows_secrets: shows_secrets(stored.stage.uuid),
    });
    let results: Vec<_> = documents.collect();
    Answer::body(&ListDocument { contract: cx.contract, page, results: &results })
}

/// # Errors
///
/// [`Error::BadParameters`] with all problems of the filters.
fn check(filters: &Filters) -> Result<(), Error> {
    let problems = filters.problems().map(|(name, problem)| (name, problem.clone()));
    let problems: Vec<_> = problems.collect();
    if problems.is_empty() { Ok(()) } else { Err(Error::BadParameters(problems)) }
}

/// Reads the parameter `search`.
///
/// # Errors
///
/// [`Error::BadParameters`] for a text that contains U+0000.
pub(super) fn search(query: &Query<'_>) -> Result<Search, Error> {
    Search::parse(query.last("search").unwrap_or_default())
        .map_err(|problem| Error::BadParameters(vec![("search", problem)]))
}

/// The page that the parameters ask for, and its stages.
///
/// # Errors
///
/// [`Error::InvalidPage`], [`Error::AnswerTooLarge`].
pub(super) async fn one_page(
    cx: &Context<'_>,
    query: &Query<'_>,
    rules: &ListRules,
    selection: Selection<SortKey>,
    listing: &Listing<'_, impl Fn(&Stage) -> bool, impl Fn(&Stage) -> SortKey>,
) -> Result<(Page, Vec<Stored>), Error> {
    let paging = Paging::parse(query.last("page"), query.last("page_size"), rules);
    let page = paging.page(selection.len()).map_err(|_| Error::InvalidPage)?;
    let show = |stage: &mut Stage| listing.show(stage);
    match cx.session.documents(selection, page.range(), PAGE_BYTES_MAX, show).await? {
        Ok(Documents { stages, gone }) => Ok((paging.shorter(page, gone), stages)),
        Err(DocumentsTooLarge) => Err(Error::AnswerTooLarge),
    }
}

/// The stages that the caller may view and that the list shows.
///
/// As in authentik, a caller who may view single stages is refused if none of them exists, or none
/// matches the search.
///
/// # Errors
///
/// [`Error::Denied`], [`Error::Store`].
pub(super) async fn select(
    cx: &Context<'_>,
    may: &MayList,
    rules: &ListRules,
    listing: &Listing<'_, impl Fn(&Stage) -> bool, impl Fn(&Stage) -> SortKey>,
) -> Result<Selection<SortKey>, Error> {
    let mut is_any_visible = false;
    let selection = cx.session.select(may, |stage| {
        let is_found = listing.finds(stage);
        is_any_visible |= is_found || !rules.search_before_permission;
        if is_found { listing.key(stage) } else { None }
    });
    let selection = selection.await?;
    if may.stages().is_some() && !is_any_visible {
        return Err(Error::Denied);
    }
    Ok(selection)
}

/// Looks up the rows that filters refer to.
async fn look_up_rows(cx: &Context<'_>, filters: &mut Filters) -> Result<(), Error> {
    let references: Vec<(_, Uuid)> = filters.references().collect();
    if references.is_empty() {
        return Ok(());
    }
    for field in cx.session.missing_rows(&references).await? {
        filters.refuse_reference(field);
    }
    Ok(())
}
