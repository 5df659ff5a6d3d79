//! What a finding is, what a passage is, and whose name a name is.
//! The names are those of `eval/README.md`, spelled as in rule files, config and records.
//! Must not know: how anything is found, what is done with it.

use serde::{Deserialize, Serialize};

/// What a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    PersonName,
    PatientId,
    InsuranceId,
    NationalId,
    BirthDate,
    CareDate,
    Age,
    Phone,
    Email,
    Address,
    PostalCode,
    OnlineId,
    LabValue,
    StaffId,
    LicenseNumber,
    BankAccount,
    CreditCard,
    Credential,
}

impl Kind {
    /// Every kind, in the order of the page.
    pub const ALL: [Kind; 18] = [
        Kind::PersonName,
        Kind::PatientId,
        Kind::InsuranceId,
        Kind::NationalId,
        Kind::BirthDate,
        Kind::CareDate,
        Kind::Age,
        Kind::Phone,
        Kind::Email,
        Kind::Address,
        Kind::PostalCode,
        Kind::OnlineId,
        Kind::LabValue,
        Kind::StaffId,
        Kind::LicenseNumber,
        Kind::BankAccount,
        Kind::CreditCard,
        Kind::Credential,
    ];

    /// The word in rule files, config, records and predictions.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Kind::PersonName => "person_name",
            Kind::PatientId => "patient_id",
            Kind::InsuranceId => "insurance_id",
            Kind::NationalId => "national_id",
            Kind::BirthDate => "birth_date",
            Kind::CareDate => "care_date",
            Kind::Age => "age",
            Kind::Phone => "phone",
            Kind::Email => "email",
            Kind::Address => "address",
            Kind::PostalCode => "postal_code",
            Kind::OnlineId => "online_id",
            Kind::LabValue => "lab_value",
            Kind::StaffId => "staff_id",
            Kind::LicenseNumber => "license_number",
            Kind::BankAccount => "bank_account",
            Kind::CreditCard => "credit_card",
            Kind::Credential => "credential",
        }
    }

    /// The word people read.
    #[must_use]
    pub const fn ja(self) -> &'static str {
        match self {
            Kind::PersonName => "氏名",
            Kind::PatientId => "患者番号",
            Kind::InsuranceId => "被保険者番号等",
            Kind::NationalId => "公的番号",
            Kind::BirthDate => "生年月日",
            Kind::CareDate => "診療の日付",
            Kind::Age => "年齢",
            Kind::Phone => "電話・FAX",
            Kind::Email => "メール",
            Kind::Address => "住所",
            Kind::PostalCode => "郵便番号",
            Kind::OnlineId => "オンラインID",
            Kind::LabValue => "検査値",
            Kind::StaffId => "職員番号",
            Kind::LicenseNumber => "免許・登録番号",
            Kind::BankAccount => "口座番号",
            Kind::CreditCard => "カード番号",
            Kind::Credential => "認証情報",
        }
    }

    /// The kind with this word, if there is one.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }
}

/// What a passage is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    ChartText,
    HrRecord,
    PartnerSecret,
    InternalDocument,
    Contract,
    AuditDocument,
}

impl Class {
    /// Every class, in the order of the page.
    pub const ALL: [Class; 6] = [
        Class::ChartText,
        Class::HrRecord,
        Class::PartnerSecret,
        Class::InternalDocument,
        Class::Contract,
        Class::AuditDocument,
    ];

    /// The word in rule files, config, records and predictions.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Class::ChartText => "chart_text",
            Class::HrRecord => "hr_record",
            Class::PartnerSecret => "partner_secret",
            Class::InternalDocument => "internal_document",
            Class::Contract => "contract",
            Class::AuditDocument => "audit_document",
        }
    }

    /// The word people read.
    #[must_use]
    pub const fn ja(self) -> &'static str {
        match self {
            Class::ChartText => "カルテ本文",
            Class::HrRecord => "人事・評価",
            Class::PartnerSecret => "取引先の秘匿情報",
            Class::InternalDocument => "未公開の院内資料",
            Class::Contract => "契約書",
            Class::AuditDocument => "監査資料",
        }
    }

    /// The class with this word, if there is one.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|class| class.as_str() == word)
    }
}

/// Whose name a `person_name` is (GUIDELINES, *role*).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Patient,
    Family,
    Staff,
    Other,
}
