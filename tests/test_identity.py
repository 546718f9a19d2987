"""What names a patient leaves the header, what describes the picture stays, and a study stays together."""

from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from helpers import files, identity

FOLDER = Path(pydicom.__file__).parent / "data" / "test_files"

# Attributes with an action in the basic profile of DICOM PS3.15, table E.1-1 (2024b), that files with
# pictures often have.
PROFILE_EMPTIED = """
    AccessionNumber ContentDate ContentTime ContrastBolusAgent PatientBirthDate PatientID PatientName
    PatientSex ReferringPhysicianName StudyDate StudyID StudyTime
""".split()
PROFILE_REMOVED = """
    AcquisitionComments AcquisitionDate AcquisitionDateTime AcquisitionDeviceProcessingDescription
    AcquisitionTime AdditionalPatientHistory AdmissionID AdmittingDiagnosesDescription Allergies
    CassetteID CountryOfResidence CurrentPatientLocation DateOfLastCalibration DataSetTrailingPadding
    DerivationDescription DetectorID DeviceSerialNumber EthnicGroup FrameComments GantryID GeneratorID
    IconImageSequence ImageComments InstanceCreationDate InstanceCreationTime InstitutionAddress
    InstitutionName InstitutionalDepartmentName IssuerOfPatientID MedicalAlerts MedicalRecordLocator
    MilitaryRank NameOfPhysiciansReadingStudy Occupation OperatorsName OtherPatientIDs
    OtherPatientIDsSequence OtherPatientNames OverlayDate PatientAddress PatientAge PatientBirthName
    PatientBirthTime PatientComments PatientInsurancePlanCodeSequence PatientMotherBirthName
    PatientReligiousPreference PatientSize PatientState PatientTelephoneNumbers PatientWeight
    PerformedProcedureStepDescription PerformedProcedureStepID PerformedProcedureStepStartDate
    PerformedProcedureStepStartTime PerformingPhysicianName PhysiciansOfRecord PlateID PregnancyStatus
    ProtocolName ReferencedImageSequence ReferencedPerformedProcedureStepSequence
    ReferencedStudySequence ReferringPhysicianAddress ReferringPhysicianTelephoneNumbers
    RequestAttributesSequence RequestedProcedureDescription RequestedProcedureID RequestingPhysician
    RequestingService ResponsiblePerson SeriesDate SeriesDescription SeriesTime SmokingStatus
    SourceImageSequence StationName StudyComments StudyDescription TimezoneOffsetFromUTC
""".split()


def ct():
    return pydicom.dcmread(FOLDER / "CT_small.dcm")


def words(dataset):
    """Everything that the header says, at any depth, as one text."""
    return str(dataset) + str(dataset.file_meta)


def test_names_dates_and_institutions_leave_the_header():
    assert all(word in words(ct()) for word in ("CompressedSamples", "1CT1", "JFK", "ABCD1234", "20040119"))
    left = words(identity.remove_identity(ct()))
    for word in ("CompressedSamples", "1CT1", "JFK", "CT01", "ABCD1234", "2004", "1997", "CLUNIE", "e+1"):
        assert word not in left


def test_private_attributes_go_because_dates_hide_in_them():
    before, after = ct(), identity.remove_identity(ct())
    assert before[0x0009, 0x1027].value == 862399669  # seconds since 1970: 30 April 1997
    assert any(element.tag.is_private for element in before)
    assert not any(element.tag.is_private for element in after)


def test_what_the_standard_requires_stays_empty():
    clean = identity.remove_identity(ct())
    present = [word for word in PROFILE_EMPTIED if word in ct()]
    assert len(present) > 8
    assert all(word in clean and not clean[word].value for word in present)


@pytest.mark.parametrize("name", ["CT_small.dcm", "dicomdirtests/77654033/CR1/6154", "examples_palette.dcm"])
def test_the_picture_still_reads_the_same(tmp_path, name):
    clean = identity.remove_identity(pydicom.dcmread(FOLDER / name))
    clean.save_as(tmp_path / "clean.dcm", enforce_file_format=True)
    before, after = files.read_dicom(FOLDER / name), files.read_dicom(tmp_path / "clean.dcm")
    np.testing.assert_array_equal(before.pixels, after.pixels)
    assert before[1:] == after[1:]


def test_nothing_that_stays_has_an_action_in_the_basic_profile():
    actions = {*PROFILE_REMOVED, *PROFILE_EMPTIED}
    assert all(pydicom.datadict.tag_for_keyword(word) is not None for word in actions | identity.KEPT)
    assert not actions & identity.KEPT
    assert identity.EMPTIED == set(PROFILE_EMPTIED)


def test_the_original_is_not_changed():
    dataset = ct()
    identity.remove_identity(dataset)
    assert dataset == ct()
    assert dataset.file_meta == ct().file_meta


def test_identifiers_are_new_and_the_file_agrees_with_its_header():
    before, after = ct(), identity.remove_identity(ct())
    for word in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID", "FrameOfReferenceUID"):
        assert after[word].value != before[word].value
    assert after.file_meta.MediaStorageSOPInstanceUID == after.SOPInstanceUID
    assert after.SOPClassUID == before.SOPClassUID


def test_one_dictionary_keeps_a_study_together():
    uids = {}
    paths = sorted((FOLDER / "dicomdirtests" / "98892001" / "CT5N").iterdir())
    clean = [identity.remove_identity(pydicom.dcmread(path), uids) for path in paths]
    assert len({one.StudyInstanceUID for one in clean}) == 1
    assert len({one.SeriesInstanceUID for one in clean}) == 1
    assert len({one.SOPInstanceUID for one in clean}) == len(paths)


def test_without_a_dictionary_two_calls_give_different_identifiers():
    assert identity.remove_identity(ct()).StudyInstanceUID != identity.remove_identity(ct()).StudyInstanceUID


def test_identity_inside_a_sequence_goes_too():
    dataset, inner = ct(), Dataset()
    inner.ImagePositionPatient, inner.PatientName = [1, 2, 3], "Hidden^Name"
    inner.PatientAddress = "Hidden Street"
    frame = Dataset()
    frame.PlanePositionSequence = Sequence([inner])
    dataset.PerFrameFunctionalGroupsSequence = Sequence([frame])
    clean = identity.remove_identity(dataset)
    assert "Hidden" not in words(clean)
    kept = clean.PerFrameFunctionalGroupsSequence[0].PlanePositionSequence[0]
    assert kept.ImagePositionPatient == [1, 2, 3]


def test_overlays_go_because_text_is_drawn_in_them():
    dataset = pydicom.dcmread(FOLDER / "examples_overlay.dcm")
    assert (0x6000, 0x3000) in dataset
    assert (0x6000, 0x3000) not in identity.remove_identity(dataset)


def test_the_preamble_is_emptied():
    dataset = ct()
    dataset.preamble = b"patient's name".ljust(128)
    assert identity.remove_identity(dataset).preamble == b"\0" * 128


def test_more_can_be_kept():
    assert identity.remove_identity(ct(), keep=["PatientSex"]).PatientSex == "O"


def test_a_word_that_is_no_keyword_raises_valueerror():
    with pytest.raises(ValueError, match="keywords of DICOM.*Patient's Sex"):
        identity.remove_identity(ct(), keep=["Patient's Sex"])


def test_a_path_is_no_dataset():
    with pytest.raises(ValueError, match=r"pydicom\.dcmread returns, received a str"):
        identity.remove_identity("CT_small.dcm")


def test_burned_in_pixels_stay_as_the_docstring_warns():
    dataset = pydicom.dcmread(FOLDER / "examples_rgb_color.dcm")
    assert identity.remove_identity(dataset).PixelData == dataset.PixelData
