"""Takes the identity of the patient out of a DICOM header.

This is no certified de-identification: read what `remove_identity` leaves in.
"""

import copy
import warnings


def remove_identity(dataset, uids=None, keep=()):
    """Return a copy of a DICOM header and its pixels without what names the patient.

    This is no certified de-identification. Text that is burned into the pixels stays, and so does the face
    that a head scan shows in 3-D. Whoever passes files on has to look at the pixels, and at local law.

    What is not on the list `KEPT`, or in `keep`, is removed, private attributes and whole sequences too. The
    attributes of `EMPTIED` stay, without a value, because the standard requires them. Identifiers that link
    files (`REPLACED`) become new ones. `PatientIdentityRemoved` is not set to YES, because that would vouch
    for the pixels.

    Parameters
    ----------
    dataset : pydicom.Dataset
        From ``pydicom.dcmread``; it is not changed.
    uids : dict of str to str, optional
        Old and new identifiers: hand the same dictionary over for all files of a study, so that its slices
        stay together. It is filled here, and leads back to the patient: keep it as safe as the files.
    keep : iterable of str, optional
        Keywords of further attributes to keep, such as "PatientSex".

    Returns
    -------
    pydicom.Dataset

    Raises
    ------
    ValueError
        `dataset` is something else, or `keep` has a word that is no keyword of DICOM.

    References
    ----------
    DICOM PS3.15, table E.1-1 (2024b), basic profile: attributes with the action Z (or Z/D) are emptied, those
    with U replaced. Of the attributes kept, none has an action there.
    """
    from pydicom import Dataset

    if not isinstance(dataset, Dataset):
        raise ValueError(f"dataset must be what pydicom.dcmread returns, received a {type(dataset).__name__}")
    unknown = [word for word in keep if not _is_keyword(word)]
    if unknown:
        raise ValueError(f"keep must hold keywords of DICOM, such as 'PatientSex', received {unknown}")
    kept = {*KEPT, *keep}
    uids = {} if uids is None else uids
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about odd values: most of them go, and the others were there before
        clean = copy.deepcopy(dataset)
        _clean(clean, kept, uids)
        if hasattr(clean, "file_meta"):
            _clean(clean.file_meta, KEPT_META, uids)
        if getattr(clean, "preamble", None):
            clean.preamble = b"\0" * 128  # 128 bytes in which anything may be written
    return clean


# ---- What remove_identity leaves in a file --------------------------------------------------------------

KEPT_META = frozenset(
    """FileMetaInformationGroupLength FileMetaInformationVersion MediaStorageSOPClassUID TransferSyntaxUID
    ImplementationClassUID ImplementationVersionName""".split()
)
KEPT = frozenset(
    """
    SpecificCharacterSet ImageType SOPClassUID Modality Manufacturer ManufacturerModelName SoftwareVersions
    BodyPartExamined Laterality ImageLaterality ViewPosition PatientPosition PatientOrientation
    ScanningSequence SequenceVariant ScanOptions MRAcquisitionType SliceThickness KVP RepetitionTime EchoTime
    InversionTime NumberOfAverages ImagingFrequency ImagedNucleus EchoNumbers MagneticFieldStrength
    SpacingBetweenSlices EchoTrainLength FlipAngle DataCollectionDiameter ReconstructionDiameter
    DistanceSourceToDetector DistanceSourceToPatient GantryDetectorTilt TableHeight ExposureTime
    XRayTubeCurrent Exposure FilterType FocalSpots ConvolutionKernel ContrastBolusRoute
    SeriesNumber AcquisitionNumber InstanceNumber ImagePositionPatient ImageOrientationPatient SliceLocation
    PositionReferenceIndicator ImagesInAcquisition TemporalPositionIdentifier
    SamplesPerPixel PhotometricInterpretation PlanarConfiguration NumberOfFrames Rows Columns PixelSpacing
    ImagerPixelSpacing PixelSpacingCalibrationType PixelAspectRatio BitsAllocated BitsStored HighBit
    PixelRepresentation SmallestImagePixelValue LargestImagePixelValue PixelPaddingValue
    PixelPaddingRangeLimit QualityControlImage BurnedInAnnotation RecognizableVisualFeatures
    RescaleIntercept RescaleSlope RescaleType WindowCenter WindowWidth WindowCenterWidthExplanation
    VOILUTFunction PresentationLUTShape LossyImageCompression LossyImageCompressionRatio
    LossyImageCompressionMethod Units
    ModalityLUTSequence VOILUTSequence LUTDescriptor LUTData ModalityLUTType
    RedPaletteColorLookupTableDescriptor GreenPaletteColorLookupTableDescriptor
    BluePaletteColorLookupTableDescriptor RedPaletteColorLookupTableData GreenPaletteColorLookupTableData
    BluePaletteColorLookupTableData
    SharedFunctionalGroupsSequence PerFrameFunctionalGroupsSequence PixelMeasuresSequence
    PlanePositionSequence PlaneOrientationSequence PixelValueTransformationSequence FrameVOILUTSequence
    PixelData FloatPixelData DoubleFloatPixelData ExtendedOffsetTable ExtendedOffsetTableLengths
    """.split()
)
EMPTIED = frozenset(
    """PatientName PatientID PatientBirthDate PatientSex AccessionNumber ReferringPhysicianName StudyID
    StudyDate StudyTime ContentDate ContentTime ContrastBolusAgent""".split()
)
REPLACED = frozenset(
    """StudyInstanceUID SeriesInstanceUID SOPInstanceUID MediaStorageSOPInstanceUID FrameOfReferenceUID
    SynchronizationFrameOfReferenceUID""".split()
)


def _clean(dataset, kept, uids):
    """Empty, replace or remove the attributes of `dataset`, and of the sequences in it that stay."""
    from pydicom.uid import generate_uid

    for element in list(dataset):
        if element.keyword in REPLACED and element.value:
            element.value = uids.setdefault(str(element.value), generate_uid())
        elif element.keyword in kept:
            for item in element.value if element.VR == "SQ" else ():
                _clean(item, kept, uids)
        elif element.keyword in EMPTIED:
            element.clear()
        else:
            del dataset[element.tag]


def _is_keyword(word):
    from pydicom.datadict import tag_for_keyword

    return tag_for_keyword(word) is not None
