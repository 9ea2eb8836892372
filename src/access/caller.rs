//! A caller and their permissions.

use uuid::Uuid;

use super::permission::{
    ADD, CHANGE, DELETE, MayAdd, MayChange, MayDelete, MayList, MayView, Refusal, StageSet, VIEW,
    VIEW_FLOW,
};

/// A caller and their permissions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The caller's name, for the log; `None` if the authorizer gave none.
    pub user: Option<String>,
    /// Codenames, for all stages or, as `<codename>:<stage_uuid>`, for one.
    permissions: Vec<String>,
}

impl Caller {
    /// Creates a caller with these permissions: codenames, each for all stages or, written
    /// `<codename>:<stage_uuid>`, for one.
    #[must_use]
    pub fn new(user: Option<String>, permissions: Vec<String>) -> Self {
        Self { user, permissions }
    }

    /// The permissions, as given to [`Caller::new`].
    #[must_use]
    pub fn permissions(&self) -> &[String] {
        &self.permissions
    }

    /// Permission to list stages: all, or the single stages that the caller may view.
    ///
    /// # Errors
    ///
    /// [`Refusal::Denied`] for a caller who may not view any stage.
    pub fn may_list(&self) -> Result<MayList, Refusal> {
        let stages = self.stages_with(VIEW);
        if stages.is_empty() { Err(Refusal::Denied) } else { Ok(MayList::new(stages)) }
    }

    /// Permission to view this stage.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: see `Caller::sees`.
    pub fn may_view(&self, stage: Uuid) -> Result<MayView, Refusal> {
        self.sees(stage).map(|()| MayView::new(stage))
    }

    /// Permission to create stages. Viewing the created stage later requires `view` as well.
    ///
    /// # Errors
    ///
    /// [`Refusal::Denied`] for a caller without it.
    pub fn may_add(&self) -> Result<MayAdd, Refusal> {
        if self.holds_for_all(ADD) { Ok(MayAdd::new()) } else { Err(Refusal::Denied) }
    }

    /// Permission to change this stage. Requires permission to view it as well, as in authentik,
    /// because the answer shows the whole stage.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: see `Caller::sees`; [`Refusal::Denied`] without the permission to change it.
    pub fn may_change(&self, stage: Uuid) -> Result<MayChange, Refusal> {
        self.sees(stage)?;
        if self.can_change(stage) { Ok(MayChange::new(stage)) } else { Err(Refusal::Denied) }
    }

    /// Permission to delete this stage. Requires permission to view it as well.
    ///
    /// # Errors
    ///
    /// [`Refusal`]: see `Caller::sees`; [`Refusal::Denied`] without the permission to delete it.
    pub fn may_delete(&self, stage: Uuid) -> Result<MayDelete, Refusal> {
        self.sees(stage)?;
        if self.holds(DELETE, stage) { Ok(MayDelete::new(stage)) } else { Err(Refusal::Denied) }
    }

    /// Whether the caller holds `change` for this stage, with or without `view`.
    #[must_use]
    pub fn can_change(&self, stage: Uuid) -> bool {
        self.holds(CHANGE, stage)
    }

    /// The stages for which the caller holds `change`. For many stages, asking this is faster than
    /// [`Caller::can_change`], which reads all of the caller's permissions each time.
    #[must_use]
    pub fn changeable(&self) -> StageSet {
        self.stages_with(CHANGE)
    }

    /// Whether the caller may view flows.
    #[must_use]
    pub fn can_view_flows(&self) -> bool {
        self.holds_for_all(VIEW_FLOW)
    }

    /// The single stages that the caller may view, if the caller may not view all of them.
    #[must_use]
    pub fn views_one_by_one(&self) -> Option<MayList> {
        self.may_list().ok().filter(|may| may.stages().is_some())
    }

    /// Checks that the caller may view this stage. As in authentik, a caller who may view only
    /// other stages is told that there is no such stage ([`Refusal::Hidden`]), whether there is one
    /// or not; a caller who may view none is refused ([`Refusal::Denied`]).
    fn sees(&self, stage: Uuid) -> Result<(), Refusal> {
        if self.holds(VIEW, stage) {
            Ok(())
        } else if self.stages_with(VIEW).is_empty() {
            Err(Refusal::Denied)
        } else {
            Err(Refusal::Hidden)
        }
    }

    fn holds_for_all(&self, codename: &str) -> bool {
        self.permissions.iter().any(|held| held == codename)
    }

    fn holds(&self, codename: &str, stage: Uuid) -> bool {
        self.permissions.iter().any(|held| match held.split_once(':') {
            None => held == codename,
            Some((held, only)) => {
                held == codename && Uuid::try_parse(only).is_ok_and(|only| only == stage)
            }
        })
    }

    fn stages_with(&self, codename: &str) -> StageSet {
        if self.holds_for_all(codename) {
            return StageSet::Every;
        }
        let scoped = self.permissions.iter().filter_map(|held| held.split_once(':'));
        let own = scoped.filter(|(held, _)| *held == codename);
        StageSet::These(own.filter_map(|(_, stage)| Uuid::try_parse(stage).ok()).collect())
    }
}
